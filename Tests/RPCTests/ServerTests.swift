import Engine
import Events
import Foundation
import Locking
import LookUps
import RESP
import RPCSupport
import Testing

@testable import RPC

@Suite("RPC server")
struct ServerTests {
    @Test("answers keep the order of the commands when the log answers out of order")
    func pipelining() async throws {
        try await withServer { path, service in
            service.change { $0.holdsAppends = true }
            let raw = try RawConnection(path)
            raw.send("RATE u1 i1 1\r\nPING\r\nRATE u1 i2 2\r\nECHO x\r\nRATE u1 i3 3\r\n")
            #expect(eventually { service.state.withLock { $0.heldAppends.count } == 3 })
            service.releaseAppendsBackwards()
            let expected = "$3\r\n0:0\r\n+PONG\r\n$3\r\n0:1\r\n$1\r\nx\r\n$3\r\n0:2\r\n"
            #expect(raw.read(expected.utf8.count) == expected)
        }
    }

    @Test("a connection that feeds keeps no other of its event loop from its answers")
    func feedingBesideAsking() async throws {
        try await withServer({ $0.eventLoopThreads = 1 }) { path, service in
            service.change { $0.holdsAppends = true }
            let event = #"{"user":"u1","item":"i1","rating":4}"#
            let command = "*1001\r\n$4\r\nFEED\r\n" + String(repeating: "$36\r\n\(event)\r\n", count: 1_000)
            let feeding = try RawConnection(path)
            let asking = try RPCClient(socketPath: path)
            // Three commands whose answers are not there yet, and half of a fourth.
            feeding.send(String(repeating: command, count: 3) + command.prefix(20_000))
            for _ in 0..<50 { #expect(try asking.call(["PING"]) == .simple("PONG")) }
            #expect(eventually { service.state.withLock { $0.heldBatches.count } == 3 })
            #expect(try asking.call(["RECOMMEND", "u1", "COUNT", "1"]) == .array([.bulk(Array("i1".utf8))]))
            feeding.send(String(command.dropFirst(20_000)))
            #expect(eventually { service.state.withLock { $0.heldBatches.count } == 4 })
            for answer in service.state.withLock({ $0.heldBatches }).reversed() { answer() }
            let expected = (0..<4).map { turn in
                "*1000\r\n"
                    + (0..<1_000).map { "$\("0:\(turn * 1_000 + $0)".count)\r\n0:\(turn * 1_000 + $0)\r\n" }
                    .joined()
            }.joined()
            #expect(feeding.read(expected.utf8.count) == expected)
        }
    }

    @Test("a connection starts no more commands than its bound until answers go out")
    func commandsInFlight() async throws {
        try await withServer({ $0.commandsInFlightMax = 4 }) { path, service in
            service.change { $0.holdsAppends = true }
            let raw = try RawConnection(path)
            raw.send(String(repeating: "RATE u1 i1 1\r\n", count: 10))
            #expect(eventually { service.state.withLock { $0.heldAppends.count } == 4 })
            // Another client's round trip: had the fifth been started, it would have been by now.
            #expect(try RPCClient(socketPath: path).call(["PING"]) == .simple("PONG"))
            #expect(service.state.withLock { $0.appended.count } == 4)
            service.change { $0.holdsAppends = false }
            service.releaseAppendsBackwards()
            let expected = (0..<10).map { "$3\r\n0:\($0)\r\n" }.joined()
            #expect(raw.read(expected.utf8.count) == expected)
        }
    }

    @Test("AFTER waits for its event, holds its place, and keeps nobody else waiting")
    func after() async throws {
        try await withServer { path, service in
            let raw = try RawConnection(path)
            raw.send("RECOMMEND u1 COUNT 1 AFTER 0:0\r\nPING\r\n")
            #expect(eventually { service.state.withLock { $0.heldWaits.count } == 1 })
            #expect(service.state.withLock { $0.waits } == [.milliseconds(1000)])
            #expect(service.state.withLock { $0.recommended.isEmpty })
            let other = try RPCClient(socketPath: path)
            #expect(try other.call(["PING"]) == .simple("PONG"))
            service.learn(upTo: 1)
            let expected = "*1\r\n$2\r\ni1\r\n+PONG\r\n"
            #expect(raw.read(expected.utf8.count) == expected)
            #expect(
                try other.call(["SIMILAR", "i1", "AFTER", "0:5", "TIMEOUT", "5"])
                    == .error("STALE event 0:5 is not learned yet"))
            #expect(
                try other.call(["PREDICT", "u1", "i1", "AFTER", "0:0", "TIMEOUT", "5"])
                    == .array([.double(4.5)]))
        }
    }

    @Test("look-ups keep their places wherever they run", arguments: [LookupLength.short, .medium, .long])
    func offload(length: LookupLength) async throws {
        try await withServer({ $0.lookupLength = { length } }) { path, _ in
            let raw = try RawConnection(path)
            raw.ask(
                "RECOMMEND u1 COUNT 1\r\nPING\r\nSIMILAR i1 COUNT 2\r\nPING\r\n",
                expecting: "*1\r\n$2\r\ni1\r\n+PONG\r\n*1\r\n$2\r\ni2\r\n+PONG\r\n")
        }
    }

    @Test("many commands in one write are all answered, in order")
    func manyAtOnce() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            for number in 0..<20_000 { try client.send(["ECHO", "\(number)"]) }
            for number in 0..<20_000 { #expect(try client.receive() == .text("\(number)")) }
        }
    }

    @Test(
        "a long pipeline of look-ups and other commands is answered in order, wherever its look-ups run",
        arguments: [LookupLength.short, .medium, .long])
    func longPipeline(length: LookupLength) async throws {
        try await withServer({ $0.lookupLength = { length } }) { path, _ in
            let client = try RPCClient(socketPath: path)
            for number in 0..<3_000 {
                try client.send(["RECOMMEND", "u1", "COUNT", "\(1 + number % 5)"])
                if number % 7 == 0 { try client.send(["ECHO", "\(number)"]) }
            }
            for number in 0..<3_000 {
                let expected = FakeService.items.prefix(1 + number % 5).map { RESPValue.bulk(Array($0.utf8)) }
                #expect(try client.receive() == .array(expected))
                if number % 7 == 0 { #expect(try client.receive() == .text("\(number)")) }
            }
            #expect(try client.call(["RECOMMEND", "u1", "COUNT", "1"]) == .array([.bulk(Array("i1".utf8))]))
        }
    }

    @Test(
        "a client that asks without end keeps neither the event loop nor the threads for look-ups from others"
    )
    func pipelineBesideAsking() async throws {
        let configure: (inout RPCServerOptions) -> Void = {
            ($0.eventLoopThreads, $0.lookupThreads, $0.lookupLength) = (1, 1, { .long })
        }
        try await withServer(configure) { path, service in
            let gate = DispatchSemaphore(value: 0)
            // Past the first turn's.
            service.change {
                $0.beforeRecommending = { if $0.user.string == "u2" { gate.wait() } }
            }
            let flood = try RawConnection(path)
            let (first, later) = (
                "RECOMMEND u1 COUNT 1\r\n", String(repeating: "RECOMMEND u2 COUNT 2\r\n", count: 300)
            )
            flood.send(String(repeating: first, count: ConnectionHandler.commandsPerTurnMax) + later)
            #expect(
                eventually { service.state.withLock { $0.recommended.contains { $0.user.string == "u2" } } })
            let asking = try RPCClient(socketPath: path)
            for _ in 0..<20 {
                #expect(try asking.call(["PING"]) == .simple("PONG"))
                #expect(
                    try asking.call(["RECOMMEND", "u1", "COUNT", "1"]) == .array([.bulk(Array("i1".utf8))]))
            }
            for _ in 0..<300 { gate.signal() }
            let expected =
                String(repeating: "*1\r\n$2\r\ni1\r\n", count: ConnectionHandler.commandsPerTurnMax)
                + String(repeating: "*2\r\n$2\r\ni1\r\n$2\r\ni2\r\n", count: 300)
            #expect(flood.read(expected.utf8.count) == expected)
        }
    }

    @Test("half a request and then silence is closed with a reason")
    func halfARequest() async throws {
        try await withServer({ $0.requestTimeout = .milliseconds(50) }) { path, _ in
            let raw = try RawConnection(path)
            raw.ask("PING\r\n", expecting: "+PONG\r\n")
            raw.send("*2\r\n$4\r\nEC")
            #expect(raw.readToEnd().hasPrefix("-ERR Protocol error: request not complete after 0.05 seconds"))
        }
    }

    @Test("a client that is idle is closed after the idle timeout, one that waits for an answer is not")
    func idle() async throws {
        try await withServer({ $0.idleTimeout = .milliseconds(500) }) { path, service in
            let idle = try RawConnection(path)
            #expect(idle.readToEnd().isEmpty)
            service.change { $0.holdsAppends = true }
            let waiting = try RawConnection(path)
            waiting.send("RATE u1 i1 1\r\n")
            let second = try RawConnection(path)
            #expect(second.readToEnd().isEmpty)
            service.releaseAppendsBackwards()
            #expect(waiting.read(9) == "$3\r\n0:0\r\n")
        }
    }

    @Test("a protocol error is answered, then the connection is closed; what came before is served")
    func protocolError() async throws {
        try await withServer { path, _ in
            let raw = try RawConnection(path)
            raw.send("PING\r\n*1\r\n$999999999\r\nPING\r\n")
            let answer = raw.readToEnd()
            #expect(answer.hasPrefix("+PONG\r\n-ERR Protocol error: invalid bulk length: 999999999"))
            #expect(answer.utf8.count { $0 == 0x0A } == 2)
        }
    }

    @Test("a client that ends its sending still gets all answers")
    func halfClosed() async throws {
        try await withServer { path, service in
            service.change { $0.holdsAppends = true }
            let raw = try RawConnection(path)
            raw.send("RATE u1 i1 1\r\nPING\r\n")
            raw.endSending()
            #expect(eventually { service.state.withLock { $0.heldAppends.count } == 1 })
            service.releaseAppendsBackwards()
            #expect(raw.readToEnd() == "$3\r\n0:0\r\n+PONG\r\n")
        }
    }

    @Test("one connection too many is told so; a place that is left is given away again")
    func connectionsMax() async throws {
        try await withServer({ $0.connectionsMax = 2 }) { path, _ in
            let first = try RPCClient(socketPath: path)
            do {
                let second = try RPCClient(socketPath: path)
                #expect(try second.call(["PING"]) == .simple("PONG"))
                #expect(
                    try RawConnection(path).readToEnd()
                        == "-ERR max number of clients reached: rpc.connections-max is 2\r\n")
                let error = #expect(throws: RPCClientError.self) { try RPCClient(socketPath: path) }
                #expect(error?.message.contains("max number of clients reached") == true)
            }
            #expect(eventually { (try? RPCClient(socketPath: path)) != nil })
            #expect(try first.call(["PING"]) == .simple("PONG"))
        }
    }

    @Test(
        "no more connections are admitted than the system's bound on open files leaves room for",
        arguments: [(1024, 20_000, 1024), (1024, 512, 256), (1024, 256, 1), (1024, .max, 1024)])
    func openFiles(wanted: Int, limit: UInt64, fitting: Int) {
        #expect(DescriptorLimit.fitting(wanted, within: limit) == fitting)
    }

    @Test("shutdown answers what is in flight, closes, and leaves no file behind")
    func shutdown() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let service = FakeService()
        service.change { $0.holdsAppends = true }
        let server = RPCServer(
            options: RPCServerOptions(socketPath: scratch.socket), service: service, logger: silent)
        try await server.start()
        let raw = try RawConnection(scratch.socket)
        let idle = try RawConnection(scratch.socket)
        raw.send("RATE u1 i1 1\r\nPING\r\n")
        try #require(eventually { service.state.withLock { $0.heldAppends.count } == 1 })
        async let stopped: Void = server.shutdown(grace: .seconds(10))
        #expect(await offPool { idle.readToEnd() }.isEmpty)
        service.releaseAppendsBackwards()
        #expect(await offPool { raw.readToEnd() } == "$3\r\n0:0\r\n+PONG\r\n")
        await stopped
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder).isEmpty)
    }

    @Test("shutdown ends after its grace, and late answers of the engine go nowhere")
    func shutdownCutsOff() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let service = FakeService()
        service.change { $0.holdsAppends = true }
        let server = RPCServer(
            options: RPCServerOptions(socketPath: scratch.socket), service: service, logger: silent)
        try await server.start()
        let raw = try RawConnection(scratch.socket)
        raw.send("RATE u1 i1 1\r\n")
        try #require(eventually { service.state.withLock { $0.heldAppends.count } == 1 })
        await server.shutdown(grace: .milliseconds(20))
        service.releaseAppendsBackwards()
        #expect(await offPool { raw.readToEnd() }.isEmpty)
    }
}
