import Testing

@testable import Exchanges

@Suite struct ExchangeTests {
  @Test(
    arguments: [
      ([Exchange.Field("grpc-status", "5")], [], 5),
      ([], [Exchange.Field("Grpc-Status", "0")], 0),
      ([], [Exchange.Field("content-type", "text/plain")], nil),
      ([Exchange.Field("grpc-status", "x")], [], nil),
    ] as [([Exchange.Field], [Exchange.Field], Int?)])
  func theStatusOfAGRPCCall(trailers: [Exchange.Field], fields: [Exchange.Field], expected: Int?) {
    let exchange = Exchange(
      id: 1, way: .intercept, taker: .host, service: "user", namespace: "testbed", port: 80, version: "HTTP/2",
      start: 0, request: .init(method: "POST", authority: "user", target: "/user.User/Get"),
      answer: .init(status: 200, fields: fields, trailers: trailers))
    #expect(exchange.grpcStatus == expected)
  }
}
