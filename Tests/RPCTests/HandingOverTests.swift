import Foundation
import Locking
import RESP
import RPCSupport
import Testing

@testable import RPC

@Suite("one server takes over from another", .serialized)
struct HandingOverTests {
    private func server(_ scratch: Scratch, _ service: FakeService = FakeService()) -> RPCServer {
        var options = RPCServerOptions(socketPath: scratch.socket)
        // Half requests are part of it, and on a busy machine may stand for longer than clients are waited for.
        options.requestTimeout = .seconds(600)
        return RPCServer(options: options, service: service, logger: silent)
    }

    /// Hands over while `body` runs, then starts another server with what came.
    private func handOver(
        _ first: RPCServer, to second: RPCServer, grace: Duration = .seconds(20),
        while body: @escaping @Sendable () -> Void = {}
    ) async throws {
        async let handed = first.handOver(grace: grace)
        await offPool(body)
        try await second.start(with: try #require(await handed))
    }

    @Test("a client stays connected, with its name and its protocol, and half a line that it had sent")
    func session() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let (first, second) = (server(scratch), server(scratch))
        try await first.start()
        let named = try RPCClient(socketPath: scratch.socket)
        #expect(try ask(named, "CLIENT SETNAME me") == .simple("OK"))
        let half = try RawConnection(scratch.socket)
        half.ask("PING\r\n", expecting: "+PONG\r\n")
        half.send("PI")
        let silent = try RawConnection(scratch.socket)
        silent.ask("PING\r\nCLIENT REPLY OFF\r\nPING\r\n", expecting: "+PONG\r\n")

        try await handOver(first, to: second)
        #expect(try ask(named, "CLIENT GETNAME").string == "me")
        // RESP 3 has maps.
        guard case .map = try ask(named, "HELLO") else { throw CancellationError() }
        half.ask("NG\r\n", expecting: "+PONG\r\n")
        silent.ask("PING\r\nCLIENT REPLY ON\r\nPING\r\n", expecting: "+OK\r\n+PONG\r\n")
        try RawConnection(scratch.socket).ask("PING\r\n", expecting: "+PONG\r\n")
        await first.shutdown(grace: .zero)
        try RawConnection(scratch.socket).ask("PING\r\n", expecting: "+PONG\r\n")
        await second.shutdown(grace: .zero)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder).isEmpty)
    }

    @Test(
        "what was begun is answered by the first server, be it half a request, a transaction, or an append under way"
    )
    func unfinished() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let service = FakeService()
        service.change { $0.holdsAppends = true }
        let (first, second) = (server(scratch, service), server(scratch))
        try await first.start()
        let half = try RawConnection(scratch.socket)
        half.ask("PING\r\n*1\r\n$4\r\nPI", expecting: "+PONG\r\n")
        let transaction = try RawConnection(scratch.socket)
        transaction.ask("MULTI\r\nPING\r\n", expecting: "+OK\r\n+QUEUED\r\n")
        let append = try RawConnection(scratch.socket)
        append.send("RATE u1 i1 1\r\nPING\r\n")
        try #require(eventually { service.state.withLock { $0.heldAppends.count } == 1 })

        try await handOver(first, to: second) {
            half.ask("NG\r\n", expecting: "+PONG\r\n")
            transaction.ask("EXEC\r\n", expecting: "*1\r\n+PONG\r\n")
            service.releaseAppendsBackwards()
            append.ask("", expecting: "$3\r\n0:0\r\n")
        }
        // Sent behind the append, begun by whichever has it then.
        append.ask("PING\r\n", expecting: "+PONG\r\n+PONG\r\n")
        for client in [half, transaction] { client.ask("PING\r\n", expecting: "+PONG\r\n") }
        await second.shutdown(grace: .zero)
    }

    @Test("a client that never ends what it began is closed after the grace, and the others go over")
    func cutOff() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let (first, second) = (server(scratch), server(scratch))
        try await first.start()
        let stuck = try RawConnection(scratch.socket)
        stuck.ask("PING\r\n*1\r\n$4\r\nPI", expecting: "+PONG\r\n")
        let other = try RawConnection(scratch.socket)
        other.ask("PING\r\n", expecting: "+PONG\r\n")
        try await handOver(first, to: second, grace: .milliseconds(50))
        #expect(stuck.readToEnd().isEmpty)
        other.ask("PING\r\n", expecting: "+PONG\r\n")
        await second.shutdown(grace: .zero)
    }

    @Test("pipelines of many clients lose no answer and no order over ten handovers")
    func pipelines() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var current = server(scratch)
        try await current.start()
        let (clients, rounds) = (6, 4_000)
        let path = scratch.socket
        let wrong = Lock(0)
        let work = Task {
            await withTaskGroup { group in
                for client in 0..<clients {
                    group.addTask {
                        await offPool {
                            guard let raw = try? RawConnection(path) else {
                                return wrong.withLock { $0 += 1 }
                            }
                            for round in 0..<rounds {
                                let words = (0..<3).map { "c\(client)r\(round)n\($0)" }
                                raw.send(words.map { "ECHO \($0)\r\n" }.joined())
                                let answer = words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
                                if raw.read(answer.utf8.count) != answer { wrong.withLock { $0 += 1 } }
                            }
                        }
                    }
                }
            }
        }
        for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(20))
            let next = server(scratch)
            try await handOver(current, to: next)
            current = next
        }
        await work.value
        #expect(wrong.withLock { $0 } == 0)
        await current.shutdown(grace: .zero)
    }

    @Test("a server takes back what it gave, and goes on")
    func takenBack() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let only = server(scratch)
        #expect(await only.handOver(grace: .zero) == nil)
        try await only.start()
        let client = try RawConnection(scratch.socket)
        client.ask("PING\r\n", expecting: "+PONG\r\n")
        try await handOver(only, to: only)
        client.ask("PING\r\n", expecting: "+PONG\r\n")
        await only.shutdown(grace: .zero)
        #expect(client.readToEnd().isEmpty)
    }

    @Test("a socket that somebody else listens on is used, and left where it is")
    func inherited() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let (place, descriptor) = try SocketPath.claim(scratch.socket)
        try RPCServer.check(inherited: descriptor, at: scratch.socket)
        #expect(throws: RPCServerError.self) { try RPCServer.check(inherited: descriptor, at: "/elsewhere") }
        #expect(throws: RPCServerError.self) { try RPCServer.check(inherited: 0, at: scratch.socket) }
        for _ in 0..<2 {
            // In the listener's queue until there is a server.
            let waiting = try RawConnection(scratch.socket)
            waiting.send("PING\r\n")
            let server = server(scratch)
            try await server.start(with: HandedServer(listener: dup(descriptor), lock: nil))
            // Asked for before the end: what a server has not read by then it closes unanswered.
            waiting.ask("", expecting: "+PONG\r\n")
            try RawConnection(scratch.socket).ask("PING\r\n", expecting: "+PONG\r\n")
            await server.shutdown(grace: .milliseconds(200))
            #expect(FileManager.default.fileExists(atPath: scratch.socket))
        }
        close(descriptor)
        place.release()
    }
}
