import Engine
import Foundation
import Locking
import RESP
import RPCSupport
import Testing

@testable import RPC

@Suite("clients that write before they read, and clients that never read")
struct BufferingTests {
    @Test(
        "a pipeline written whole before anything is read is answered whole, and half the connection may be closed"
    )
    func flood() async throws {
        try await withServer { path, service in
            service.change { $0.answersLarge = true }
            let raw = try RawConnection(path)
            let count = 5_000
            // Each answer is 8 kB: 40 MB wait, far more than any socket holds.
            raw.send(String(repeating: "RECOMMEND u1\r\n", count: count))
            raw.endSending()
            let expected = count * FakeService.largeAnswerBytes
            #expect(raw.skip(expected + 1) == expected)
            let other = try RPCClient(socketPath: path)
            #expect(try other.call(["STATUS"])["rpc.connections.cut-off"] == .integer(0))
            #expect(eventually { (try? other.call(["STATUS"]))?["rpc.held-bytes"] == .integer(0) })
        }
    }

    @Test("appends written ahead are bounded in flight, and all are answered in order")
    func appends() async throws {
        try await withServer({ $0.commandsInFlightMax = 8 }) { path, _ in
            let raw = try RawConnection(path)
            raw.send(String(repeating: "RATE u1 i1 4\r\n", count: 20_000))
            raw.endSending()
            let expected = (0..<20_000).map { "$\("0:\($0)".utf8.count)\r\n0:\($0)\r\n" }.joined()
            #expect(raw.readToEnd() == expected)
        }
    }

    @Test("a client past its bound is closed; the log names it, the bytes and the key; others are served")
    func clientLimit() async throws {
        let record = LogRecord()
        try await withServer({ $0.clientBytesMax = 1 << 20 }, logger: record.logger) { path, service in
            service.change { $0.answersLarge = true }
            let slow = try RawConnection(path)
            slow.ask("CLIENT SETNAME slow\r\n", expecting: "+OK\r\n")
            slow.send(String(repeating: "RECOMMEND u1\r\n", count: 1000))
            let other = try RPCClient(socketPath: path)
            #expect(eventually { (try? other.call(["STATUS"]))?["rpc.connections.cut-off"] == .integer(1) })
            #expect(slow.skip(.max) < 1000 * FakeService.largeAnswerBytes)
            #expect(eventually { record.first(containing: "does not read its answers") != nil })
            let line = try #require(record.first(containing: "does not read its answers"))
            #expect(line.hasPrefix("warning "))
            #expect(line.contains("name 'slow'"))
            #expect(line.contains("limit=rpc.client-bytes-max is 1048576"))
            #expect(line.contains("process=\(ProcessInfo.processInfo.processIdentifier)"))
            #expect(line.range(of: "bytes=[0-9]{7}", options: .regularExpression) != nil)
            #expect(eventually { (try? other.call(["STATUS"]))?["rpc.held-bytes"] == .integer(0) })
        }
    }

    @Test("when all together hold too much, the one that holds most goes, and it alone")
    func totalLimit() async throws {
        let record = LogRecord()
        try await withServer({ $0.totalBytesMax = 4 << 20 }, logger: record.logger) { path, service in
            service.change { $0.answersLarge = true }
            let small = try RawConnection(path)
            let other = try RPCClient(socketPath: path)
            small.send(String(repeating: "RECOMMEND u1\r\n", count: 200))
            #expect(eventually { service.state.withLock { $0.recommended.count } == 200 })
            let large = try RawConnection(path)
            large.send(String(repeating: "RECOMMEND u1\r\n", count: 1000))
            #expect(eventually { record.first(containing: "rpc.total-bytes-max is 4194304") != nil })
            #expect(large.skip(.max) < 1000 * FakeService.largeAnswerBytes)
            small.endSending()
            #expect(small.skip(.max) == 200 * FakeService.largeAnswerBytes)
            #expect(try other.call(["STATUS"])["rpc.connections.cut-off"] == .integer(1))
        }
    }

    @Test("bounds that were changed hold: of all clients at once, of one client for connections opened since")
    func changedBounds() async throws {
        let record = LogRecord()
        let scratch = try Scratch()
        defer { scratch.remove() }
        let service = FakeService()
        service.change { $0.answersLarge = true }
        let options = RPCServerOptions(socketPath: scratch.socket)
        let server = RPCServer(options: options, service: service, logger: record.logger)
        try await server.start()
        let result = await offPool { Result { try changeBounds(server, options, record) } }
        await server.shutdown(grace: .milliseconds(200))
        try result.get()
    }

    private func changeBounds(_ server: RPCServer, _ options: RPCServerOptions, _ record: LogRecord) throws {
        var options = options
        let before = try RawConnection(options.socketPath)
        before.ask("PING\r\n", expecting: "+PONG\r\n")
        options.clientBytesMax = 1 << 20
        server.change(to: options)
        let after = try RawConnection(options.socketPath)
        for connection in [before, after] {
            connection.send(String(repeating: "RECOMMEND u1\r\n", count: 1000))
            connection.endSending()
        }
        // Nothing is read before: a client that keeps up is never past its bound.
        #expect(eventually { record.first(containing: "rpc.client-bytes-max is 1048576") != nil })
        #expect(after.skip(.max) < 1000 * FakeService.largeAnswerBytes)
        #expect(before.skip(.max) == 1000 * FakeService.largeAnswerBytes)

        (options.totalBytesMax, options.clientBytesMax) = (3 << 20, 1 << 30)
        server.change(to: options)
        let other = try RPCClient(socketPath: options.socketPath)
        #expect(try other.call(["STATUS"])["rpc.held-bytes.max"] == .integer(3 << 20))
        let large = try RawConnection(options.socketPath)
        large.send(String(repeating: "RECOMMEND u1\r\n", count: 1000))
        #expect(eventually { record.first(containing: "rpc.total-bytes-max is 3145728") != nil })
    }

    @Test("a client that never reads is closed after a while, and the log says so")
    func stalled() async throws {
        let record = LogRecord()
        try await withServer({ $0.answerTimeout = .milliseconds(50) }, logger: record.logger) {
            path, service in
            service.change { $0.answersLarge = true }
            let stalled = try RawConnection(path)
            stalled.send(String(repeating: "RECOMMEND u1\r\n", count: 200))
            #expect(eventually { record.first(containing: "has stopped reading") != nil })
            #expect(stalled.skip(.max) < 200 * FakeService.largeAnswerBytes)
        }
    }

    @Test("commands queued by MULTI count, so that a queue without end is closed")
    func endlessQueue() async throws {
        let record = LogRecord()
        try await withServer({ $0.clientBytesMax = 1 << 20 }, logger: record.logger) { path, service in
            let raw = try RawConnection(path)
            raw.send("MULTI\r\n" + String(repeating: "RATE u1 i1 4\r\n", count: 20_000))
            _ = raw.skip(.max)
            #expect(eventually { record.first(containing: "rpc.client-bytes-max") != nil })
            #expect(service.state.withLock { $0.appended.isEmpty })
        }
    }

    @Test("a client refused in the midst of its pipeline can send the rest, and reads why")
    func refusedInMidst() async throws {
        try await withServer { path, _ in
            let raw = try RawConnection(path)
            raw.send("PING\r\nECHO \"broken\r\n" + String(repeating: "PING\r\n", count: 200_000))
            raw.endSending()
            #expect(raw.readToEnd() == "+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n")
        }
    }

    @Test(
        "what is no request is refused and closed, and never waits for ever",
        arguments: [
            "*1\r\n$99999999\r\n", "*2\r\n$4\r\nECHO\r\n$5000000000\r\n", "*1000000\r\n",
            "*1\r\n$-5\r\n", "*1\r\n$4\r\nPINGxx", "*2\r\n$4\r\nECHO\r\n$10\r\nabc", "*2\r\n", "*", "ECHO 'a",
        ])
    func neverForEver(text: String) async throws {
        try await withServer({ $0.requestTimeout = .milliseconds(50) }) { path, _ in
            let raw = try RawConnection(path)
            raw.send(text)
            #expect(raw.readToEnd().hasPrefix("-ERR Protocol error: "))
        }
    }
}
