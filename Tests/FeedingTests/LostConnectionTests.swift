import Events
import RESP
import Reporting
import Testing

@testable import Feeding

@Suite("Feeding a daemon that restarts")
struct LostConnectionTests {
    @Test("feeding goes on with the first event that has no answer")
    func restart() throws {
        let before = FakeDaemon()
        let after = FakeDaemon()
        var tries = 0
        var said: [String] = []
        let sink = RPCSink(
            DyingConnection(before, answers: 2), window: 8, backoff: backoff(),
            reconnect: {
                tries += 1
                if tries < 3 { throw RPCClientError("no daemon answers") }
                return after
            }, say: { said.append($0) })
        for number in 0..<30 {
            try sink.send(try rating("u\(number)"), from: EventPlace(path: "e.jsonl", line: number + 1))
        }
        try sink.drain()
        // Two events a command.
        #expect(before.users == (0..<4).map { "u\($0)" })
        #expect(after.users == (4..<30).map { "u\($0)" })
        #expect(sink.receipts.acknowledged == 30)
        #expect(said.count == 2)
        #expect(said.first?.contains("go on with e.jsonl:5") == true)
    }

    @Test("an event that the stopping daemon cannot take is sent again")
    func unavailable() throws {
        var refusals = 0
        let daemon = FakeDaemon { event in
            guard event.key.string == "u1", refusals < 2 else { return nil }
            refusals += 1
            return .error("UNAVAILABLE the log is closed")
        }
        let sink = RPCSink(daemon, backoff: backoff())
        for number in 0..<3 { try sink.send(try rating("u\(number)")) }
        try sink.drain()
        #expect(sink.receipts.acknowledged == 3)
    }

    @Test(
        "a daemon that does not come back ends the feed with 69 and the line of the first event without an answer"
    )
    func goneForEver() throws {
        let sink = RPCSink(
            DyingConnection(FakeDaemon(), answers: 2), window: 4, backoff: backoff(),
            reconnect: { throw RPCClientError("no daemon answers") })
        let error = #expect(throws: CommandError.self) {
            for number in 0..<9 {
                try sink.send(try rating("u\(number)"), from: EventPlace(path: "-", line: number + 1))
            }
            try sink.drain()
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("the first event without an answer is standard input:3") == true)
    }
}

/// Gives some answers, then none.
private final class DyingConnection: RPCConnection {
    private let daemon: FakeDaemon
    private var answers: Int

    init(_ daemon: FakeDaemon, answers: Int) { (self.daemon, self.answers) = (daemon, answers) }

    func send(_ arguments: [String]) throws(RPCClientError) { try daemon.send(arguments) }

    func flush() throws(RPCClientError) {}

    func receive() throws(RPCClientError) -> RESPValue {
        guard answers > 0 else { throw RPCClientError("the daemon closed the connection") }
        answers -= 1
        return try daemon.receive()
    }
}
