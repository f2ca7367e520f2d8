import Dispatch
import Events
import RESP
import Reporting
import Testing

@testable import Feeding

/// Takes all that it is told, and answers nothing until it ends: a daemon whose broker is away.
private final class SilentDaemon: RPCConnection {
    private let end = DispatchSemaphore(value: 0)

    func send(_ arguments: [String]) throws(RPCClientError) {}
    func flush() throws(RPCClientError) {}

    func receive() throws(RPCClientError) -> RESPValue {
        end.wait()
        throw RPCClientError("the daemon closed the connection")
    }

    func close() { end.signal() }
}

/// Fails to send.
private final class BrokenConnection: RPCConnection {
    func send(_ arguments: [String]) throws(RPCClientError) { throw RPCClientError("broken pipe") }
    func flush() throws(RPCClientError) {}
    func receive() throws(RPCClientError) -> RESPValue { .simple("OK") }
}

@Suite("Interrupting a feed that waits for answers")
struct InterruptionTests {
    @Test("a daemon that does not answer is left, and the first event without an answer is named")
    func silent() throws {
        let daemon = SilentDaemon()
        defer { daemon.close() }
        var isInterrupted = false
        var said: [String] = []
        let connect: () throws -> any RPCConnection = {
            try InterruptibleConnection(isCancelled: { isInterrupted }, open: { daemon })
        }
        let sink = RPCSink(
            try connect(), backoff: backoff(isCancelled: { isInterrupted }), reconnect: connect,
            say: { said.append($0) })
        for number in 0..<3 {
            try sink.send(try rating("u\(number)"), from: EventPlace(path: "e.csv", line: number + 2))
        }
        isInterrupted = true
        let error = #expect(throws: CommandError.self) { try sink.drain() }
        #expect(error?.message.contains("the first event without an answer is e.csv:2") == true)
        #expect(sink.receipts.acknowledged == 0 && sink.receipts.unanswered == 3)
        #expect(sink.firstUnanswered == EventPlace(path: "e.csv", line: 2))
        #expect(said.isEmpty, "nobody waits for it to come back")
    }

    @Test("a daemon that stays overloaded is tried no more, and the events it put off are without an answer")
    func overloaded() throws {
        let daemon = FakeDaemon { event in
            event.key.string == "u0" ? nil : .error("OVERLOADED the log's queue is full")
        }
        let sink = RPCSink(daemon, backoff: backoff(isCancelled: { true }))
        for number in 0..<3 {
            try sink.send(try rating("u\(number)"), from: EventPlace(path: "e.csv", line: number + 2))
        }
        #expect(throws: CommandError.self) { try sink.drain() }
        #expect(sink.receipts.acknowledged == 1 && sink.receipts.unanswered == 2)
        #expect(sink.firstUnanswered == EventPlace(path: "e.csv", line: 3))
    }

    @Test("a connection that takes long to open is left too")
    func opening() throws {
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let error = #expect(throws: RPCClientError.self) {
            _ = try InterruptibleConnection(
                isCancelled: { true },
                open: {
                    gate.wait()
                    return BrokenConnection()
                })
        }
        #expect(error?.message.contains("interrupted") == true)
    }

    @Test("while nobody interrupts, all goes through, in order")
    func passing() throws {
        let daemon = FakeDaemon()
        let connection = try InterruptibleConnection(isCancelled: { false }, open: { daemon })
        let sink = RPCSink(connection, window: 16, backoff: backoff())
        for number in 0..<100 { try sink.send(try rating("u\(number)")) }
        try sink.drain()
        #expect(daemon.users == (0..<100).map { "u\($0)" })
        #expect(sink.receipts.acknowledged == 100 && sink.firstUnanswered == nil)
    }

    @Test("what fails is thrown: by opening at once, of sending by the next answer")
    func failures() throws {
        #expect(throws: RPCClientError.self) {
            _ = try InterruptibleConnection(
                isCancelled: { false }, open: { throw RPCClientError("no daemon answers") })
        }
        let connection = try InterruptibleConnection(isCancelled: { false }, open: { BrokenConnection() })
        connection.send(["FEED"])
        let error = #expect(throws: RPCClientError.self) { _ = try connection.receive() }
        #expect(error?.message == "broken pipe")
    }
}
