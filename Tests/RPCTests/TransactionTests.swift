import Engine
import Events
import Locking
import Testing

@testable import RPC

@Suite("MULTI and EXEC")
struct TransactionTests {
    @Test("commands are queued, run in order at EXEC, and answered as an array", arguments: [2, 3])
    func runs(version: Int) async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            _ = try ask(client, "HELLO \(version)")
            #expect(try ask(client, "MULTI") == .simple("OK"))
            for command in [
                "RATE u1 i1 5", "RATE u1 i2 1", "PING", "RECOMMEND u1 COUNT 1", "USER.GET nobody",
            ] {
                #expect(try ask(client, command) == .simple("QUEUED"))
            }
            #expect(service.state.withLock { $0.appended.isEmpty && $0.recommended.isEmpty })
            #expect(
                try ask(client, "EXEC")
                    == .array([
                        .text("0:0"), .text("0:1"), .simple("PONG"), list("i1"),
                        .error("NOUSER user 'nobody' is not known"),
                    ]))
            let (user, one, two) = (try EntityID("u1"), try EntityID("i1"), try EntityID("i2"))
            #expect(
                service.state.withLock { $0.appended } == [
                    Event(.rating(user: user, item: one, value: 5)),
                    Event(.rating(user: user, item: two, value: 1)),
                ])
            #expect(try ask(client, "PING") == .simple("PONG"))
        }
    }

    @Test(
        "a command refused while queueing makes EXEC run nothing",
        arguments: ["NOSUCH a", "RATE u1", "CLIENT NOSUCH", "CLIENT SETNAME", "CLIENT REPLY OFF"])
    func refused(command: String) async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            _ = try ask(client, "MULTI")
            #expect(try ask(client, "RATE u1 i1 5") == .simple("QUEUED"))
            guard case .error(let message) = try ask(client, command) else {
                Issue.record("'\(command)' is not refused")
                return
            }
            #expect(message.hasPrefix("ERR "))
            #expect(try ask(client, "RATE u1 i2 5") == .simple("QUEUED"))
            #expect(
                try ask(client, "EXEC")
                    == .error("EXECABORT Transaction discarded because of previous errors."))
            #expect(service.state.withLock { $0.appended.isEmpty })
            #expect(try ask(client, "EXEC") == .error("ERR EXEC without MULTI"))
        }
    }

    @Test("a command refused as it runs leaves the others as they are")
    func failsWhileRunning() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            _ = try ask(client, "MULTI")
            _ = try ask(client, "RATE u1 i1 good")
            _ = try ask(client, "RATE u1 i1 5")
            guard case .array(let answers) = try ask(client, "EXEC") else {
                Issue.record("EXEC answers no array")
                return
            }
            #expect(answers.count == 2)
            #expect(answers[1] == .text("0:0"))
            #expect(service.state.withLock { $0.appended.count } == 1)
        }
    }

    @Test("DISCARD and RESET forget the queue; MULTI does not nest; WATCH is refused; UNWATCH is OK")
    func others() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "DISCARD") == .error("ERR DISCARD without MULTI"))
            #expect(try ask(client, "UNWATCH") == .simple("OK"))
            guard case .error(let message) = try ask(client, "WATCH k") else {
                Issue.record("WATCH is not refused")
                return
            }
            #expect(message.hasPrefix("ERR WATCH is not supported: there are no keys"))
            for end in ["DISCARD", "RESET"] {
                _ = try ask(client, "MULTI")
                _ = try ask(client, "RATE u1 i1 5")
                _ = try ask(client, end)
                #expect(try ask(client, "EXEC") == .error("ERR EXEC without MULTI"))
            }
            _ = try ask(client, "MULTI")
            #expect(try ask(client, "MULTI") == .error("ERR MULTI calls can not be nested"))
            #expect(try ask(client, "WATCH k") == .error("ERR WATCH inside MULTI is not allowed"))
            #expect(try ask(client, "EXEC") == .array([]))
            #expect(service.state.withLock { $0.appended.isEmpty })
        }
    }

    @Test("a whole transaction sent at once, longer than what may be in flight, is one array in order")
    func long() async throws {
        try await withServer({ $0.commandsInFlightMax = 4 }) { path, service in
            let raw = try RawConnection(path)
            let count = 10_000
            raw.send("MULTI\r\n" + String(repeating: "RATE u1 i1 4\r\n", count: count) + "EXEC\r\nPING\r\n")
            raw.endSending()
            let tokens = (0..<count).map { "$\("0:\($0)".utf8.count)\r\n0:\($0)\r\n" }.joined()
            #expect(
                raw.readToEnd() == "+OK\r\n" + String(repeating: "+QUEUED\r\n", count: count)
                    + "*\(count)\r\n" + tokens + "+PONG\r\n")
            #expect(service.state.withLock { $0.appended.count } == count)
        }
    }

    @Test("answers of appends that come out of order stand in order within EXEC's array")
    func outOfOrder() async throws {
        try await withServer { path, service in
            service.change { $0.holdsAppends = true }
            let raw = try RawConnection(path)
            raw.send("MULTI\r\nRATE u1 i1 1\r\nPING\r\nRATE u1 i2 2\r\nEXEC\r\n")
            #expect(eventually { service.state.withLock { $0.heldAppends.count } == 2 })
            service.releaseAppendsBackwards()
            let expected =
                "+OK\r\n" + String(repeating: "+QUEUED\r\n", count: 3)
                + "*3\r\n$3\r\n0:0\r\n+PONG\r\n$3\r\n0:1\r\n"
            #expect(raw.read(expected.utf8.count) == expected)
        }
    }

    @Test("a connection that ends within MULTI appends nothing")
    func endsWithin() async throws {
        try await withServer { path, service in
            let raw = try RawConnection(path)
            raw.send("MULTI\r\nRATE u1 i1 1\r\n")
            raw.endSending()
            #expect(raw.readToEnd() == "+OK\r\n+QUEUED\r\n")
            #expect(service.state.withLock { $0.appended.isEmpty })
        }
    }

    @Test("CLIENT REPLY silences what it says, EXEC's whole array included")
    func replies() async throws {
        try await withServer { path, service in
            let raw = try RawConnection(path)
            raw.send("CLIENT REPLY SKIP\r\nPING\r\nECHO a\r\nCLIENT REPLY OFF\r\nPING\r\nRATE u1 i1 1\r\n")
            raw.send("CLIENT REPLY ON\r\nMULTI\r\nPING\r\nCLIENT ID\r\n")
            raw.send("EXEC\r\nCLIENT REPLY OFF\r\nMULTI\r\nPING\r\nEXEC\r\nCLIENT REPLY ON\r\nECHO b\r\n")
            raw.endSending()
            #expect(
                raw.readToEnd()
                    == "$1\r\na\r\n+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+PONG\r\n:1\r\n+OK\r\n"
                    + "$1\r\nb\r\n")
            #expect(service.state.withLock { $0.appended.count } == 1)
        }
    }
}
