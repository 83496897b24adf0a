import Testing

@testable import Shell

@Suite struct ShellProbeTests {
  @Test func countsWhatWorks() {
    let probe = ShellProbe(output: "ok namespaces\nok network\n")
    #expect(probe.steps == 2 && probe.problem == nil && probe.remedy == nil)
  }

  @Test func tellsTheFirstFailureAndItsRemedy() {
    let probe = ShellProbe(
      output: "ok namespaces\nfail nftables the kernel has no nf_tables\nLoad the module.\nAs root.\nfail sockets x\n")
    #expect(probe.steps == 1)
    #expect(probe.problem == "nftables the kernel has no nf_tables")
    #expect(probe.remedy == "Load the module. As root.")
  }

  @Test func silenceIsAProblem() { #expect(ShellProbe(output: "").problem != nil) }
}
