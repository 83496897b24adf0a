#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The file by which kubectl and devtunnel find the lab; everything is inline, so it can be copied.
enum Kubeconfig {
  static func text(server: String, certificates: LabCertificates) -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: devtunnel-lab
    clusters:
    - name: devtunnel-lab
      cluster:
        server: \(server)
        certificate-authority-data: \(encoded(certificates.authority))
    contexts:
    - name: devtunnel-lab
      context:
        cluster: devtunnel-lab
        namespace: default
        user: \(LabCertificates.adminName)
    users:
    - name: \(LabCertificates.adminName)
      user:
        client-certificate-data: \(encoded(certificates.adminCertificate))
        client-key-data: \(encoded(certificates.adminKey))

    """
  }

  private static func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}
