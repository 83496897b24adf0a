import KubeAPI

extension BastionConnection {
  /// The connector for `ClusterAccess.connector`: every connection to the API server goes through the SSH host, which
  /// also resolves the server's name. It keeps this object.
  public var connector: APIConnector {
    APIConnector(name: "ssh://\(settings.user)@\(settings.name)", identity: identity) {
      [self] host, port, incoming, failed in
      let arrival = Arrival(incoming: incoming, host: host, port: port) { event in
        switch event {
        case .opened: break
        case .refused(let error): failed(error.failure(wasOpen: false))
        case .lost(let error): failed(error.failure(wasOpen: true))
        }
      }
      loop.post(.arrive(arrival))
    }
  }
}

extension BastionError {
  fileprivate func failure(wasOpen: Bool) -> APIConnector.Failure {
    APIConnector.Failure(problem: problem, remedy: remedy, wasOpen: wasOpen, isTransient: isTransient)
  }
}
