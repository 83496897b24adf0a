import ControlAPI
import Testing

struct ControlRequestTests {
  @Test("Each method has one type of request")
  func methods() {
    let requests: [any ControlRequest.Type] = [
      InterceptRequest.self, ExplainRequest.self, LeaveRequest.self, ForwardRequest.self, StopForwardRequest.self,
      ShellRequest.self,
      ConnectRequest.self, ConnectHostRequest.self, DisconnectRequest.self, BastionAnswer.self, ListRequest.self,
      StatusRequest.self, WatchStatusRequest.self, RequestsRequest.self, RestoreRequest.self, DoctorRequest.self,
      WayRequest.self, QuitRequest.self,
    ]
    #expect(requests.count == Method.allCases.count)
    #expect(Set(requests.map { $0.method }) == Set(Method.allCases))
  }
}
