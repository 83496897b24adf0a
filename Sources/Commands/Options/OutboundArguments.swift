import ArgumentParser
import ControlAPI

/// The choice of destinations that are reached through the cluster or from this machine, for shells and proxies.
struct OutboundArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Reach these addresses through the cluster; may be repeated.", valueName: "cidr"))
  var viaCluster: [String] = []

  @Option(help: ArgumentHelp("Reach these addresses from this machine; may be repeated.", valueName: "cidr"))
  var viaHost: [String] = []

  @Flag(help: "Reach every address through the cluster, public ones too.")
  var allViaCluster = false

  @Option(
    help: ArgumentHelp(
      "Ask this machine's own resolvers for names in this domain; may be repeated.", valueName: "suffix"))
  var dnsHost: [String] = []

  @Option(
    help: ArgumentHelp(
      "Ask the cluster for names in this domain too, and reach their addresses through it; may be repeated.",
      valueName: "suffix"))
  var dnsCluster: [String] = []

  var options: OutboundOptions {
    var options = OutboundOptions()
    options.viaCluster = viaCluster
    options.viaHost = viaHost
    options.allViaCluster = allViaCluster
    options.dnsHost = dnsHost
    options.dnsCluster = dnsCluster
    return options
  }
}
