import Foundation
import RESP
import RPC
import TestSupport
import Testing

@Suite("a wall clock that jumps", .serialized, .ownThread)
struct ClockTests {
    @Test("a year ahead, two years back, before 1970: nothing is lost, no age is negative, timers go on")
    func jumps() throws {
        let place = try DaemonPlace()
        guard let clock = try JumpingClock(in: place.folder) else { return }
        let settings = ["checkpoint.every-seconds=1", "source.embedded.retain-events=100"]
        let daemon = try place.start(settings, variables: clock.variables)
        var count = 0
        for days in [0, 365, -365, -30_000, 365, 0] {
            try clock.set(days: days)
            let tokens = try daemon.tokens((0..<20).map { ["RATE", "u\($0 % 5)", "i\(count + $0)", "4"] })
            count += 20
            #expect(tokens.last == "0:\(count - 1)")
            let answer = try daemon.call(
                "RECOMMEND", "u1", "INCLUDESEEN", "WITHMETA", "AFTER", "0:\(count - 1)", "TIMEOUT", "60000")
            #expect(answer.isError == false, "\(answer)")
            guard case .double(let age)? = answer["age-ms"] else { throw TestFailure("\(answer)") }
            #expect(age >= 0)
            // Each time by the timer, which a jump must not hold up.
            let written = try daemon.status()["checkpoint.written"]
            try daemon.waitUntil("a checkpoint is written") { $0["checkpoint.written"] > written }
            try requireAges(try daemon.status())
        }
        #expect(try daemon.status()["events.applied"] == count)
        #expect(try daemon.stop() == .exit(0), "\(daemon.errors)")

        try clock.set(days: -700)
        let again = try place.start(settings, variables: clock.variables)
        let status = try again.status()
        #expect(status["events.applied"] == count && status.positions == [0: count])
        // What the bound keeps are the newest hundred, whatever time they bear.
        #expect(try again.call("USER.GET", "u1")["seen"] == .integer(Int64(count / 5)))
        #expect(try again.stop() == .exit(0))
    }

    private func requireAges(_ status: Status) throws {
        guard case .map(let pairs) = status.answer else { throw TestFailure("\(status.answer)") }
        for (name, value) in pairs {
            guard let name = name.string,
                name.contains("age") || name.hasSuffix("-s") || name.hasSuffix("-ms")
            else {
                continue
            }
            guard case .double(let number) = value else { continue }
            #expect(number >= 0 && number < 3_600 * 1_000, "\(name) is \(number)")
        }
    }
}
