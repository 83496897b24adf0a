import Foundation
import InterceptMachine
import Testing

@testable import Intercept

@Suite struct ContentionTests {
  @Test(
    "Pauses grow with the attempts, up to two seconds",
    arguments: [(1, 0.0, 20), (1, 1.0, 120), (4, 0.5, 220), (20, 1.0, 2020), (1000, 1.0, 2020)])
  func pauses(attempt: Int, random: Double, milliseconds: Int) {
    #expect(Contention.pause(before: attempt, random: random) == .milliseconds(milliseconds))
  }

  @Test("The attempts end")
  func ends() async {
    var contention = Contention(within: .milliseconds(100))
    var attempts = 0
    while await contention.waits() { attempts += 1 }
    #expect((1...6).contains(attempts))
  }

  @Test(
    "Someone who has just claimed a port may be making the agent",
    arguments: [(5, true, true), (15, true, false), (15, false, true), (40, false, false), (-60, true, false)])
  func isChanging(age: Double, isStarted: Bool, expected: Bool) {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    var claims = Claims()
    claims.take([8080], of: "web", for: "bob", since: Timestamp.seconds(now - age))
    claims.take([9090], of: "web", for: "carol", since: Timestamp.seconds(now))
    #expect(InterceptedWorkload.isChanging(claims, ["bob"], isStarted: isStarted, at: now) == expected)
    #expect(!InterceptedWorkload.isChanging(claims, [], isStarted: isStarted, at: now))
  }
}
