import Testing

@testable import KubeAPI

struct ProxySettingTests {
  private func setting(
    _ environment: [String: String], _ server: String = "https://api.example:6443", proxyURL: String? = nil
  ) -> ProxySetting? {
    ProxySetting(ClusterAccess(server: ServerURL(server)!, proxyURL: proxyURL), environment: environment)
  }

  @Test func theVariablesInLibcurlsOrder() {
    #expect(setting([:]) == nil)
    #expect(
      setting(["HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2", "ALL_PROXY": "http://c:3"])?.source
        == "https_proxy")
    #expect(setting(["HTTPS_PROXY": "http://a:1", "ALL_PROXY": "http://c:3"])?.url == "http://a:1")
    #expect(setting(["HTTPS_PROXY": "", "ALL_PROXY": "socks5://c:3"])?.source == "ALL_PROXY")
    #expect(setting(["HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://a:1"], "http://api.example") == nil)
  }

  @Test func theKubeconfigsKnowsNoExceptions() {
    let setting = setting(["HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"], proxyURL: "socks5://b:2")
    #expect(setting?.url == "socks5://b:2" && setting?.source == "the kubeconfig's proxy-url")
  }

  @Test func userAndPasswordAreLeftOut() {
    let setting = setting(["HTTPS_PROXY": "http://bob:p@ss@proxy:3128/"])
    #expect(setting?.url == "http://proxy:3128" && setting?.hasCredentials == true)
    #expect(self.setting(["HTTPS_PROXY": "proxy:3128"])?.url == "http://proxy:3128")
  }

  @Test(arguments: [
    ("api.example", "*", true), ("api.example", "example", true), ("api.example", "other, .EXAMPLE", true),
    ("api.example", "ample", false),
    ("api.example", "", false), ("10.1.2.3", "10.0.0.0/8", true), ("11.1.2.3", "10.0.0.0/8", false),
    ("10.1.2.3", "10.1.2.3", true),
    ("10.1.2.3", "2.3", false), ("::1", "::1", true), ("10.1.2.3", "0.0.0.0/0", true),
  ])
  func exceptions(host: String, list: String, isExcepted: Bool) {
    #expect(ProxySetting.excepts(host, list) == isExcepted)
  }
}
