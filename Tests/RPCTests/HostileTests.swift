import Access
import HostileClients
import RESP
import RPCSupport
import Testing

@testable import RPC

@Suite("clients that mean no good", .serialized)
struct HostileTests {
    @Test(
        "among hundreds of them another client is answered, what is held is bounded, and all of it is given back"
    )
    func others() async throws {
        let hash = try #require(PasswordHash.make(of: "right"))
        let access = AccessControl(AccessRules(users: ["somebody": NamedUser(role: .read, hashes: [hash])]))
        let bound = 8 << 20
        try await withServer({
            $0.access = access
            $0.clientBytesMax = 1 << 20
            $0.totalBytesMax = bound
            $0.answerTimeout = .seconds(60)
        }) { path, service in
            service.change { $0.answersLarge = true }
            let other = try RPCClient(socketPath: path)
            let fleet = HostileFleet(
                path: path,
                [
                    (.silent, 40), (.half, 40), (.slowWriter, 40), (.slowReader, 40), (.deaf, 10),
                    (.flood, 1),
                    (.guesser, 2), (.visitor, 4),
                ])
            fleet.start()
            #expect(eventually { fleet.counts.openMost > 150 })
            // Those that never read are cut off, others are not.
            var most: Int64 = 0
            #expect(
                eventually {
                    guard let status = try? other.call(["STATUS"]),
                        case .integer(let held)? = status["rpc.held-bytes"],
                        case .integer(let cutOff)? = status["rpc.connections.cut-off"]
                    else { return false }
                    most = max(most, held)
                    return cutOff > 20
                })
            #expect(most > 0)
            // Past the bound each connection still may have what is no part of the trouble, and the commands under way.
            #expect(most < Int64(bound + 8 << 20))
            for _ in 0..<200 { #expect(try other.call(["PING"]) == .simple("PONG")) }
            #expect(
                eventually {
                    (try? other.call(["STATUS"]))?["access.refused.wrong-password"] ?? .integer(0)
                        != .integer(0)
                })
            fleet.stop()
            #expect(eventually { (try? other.call(["STATUS"]))?["rpc.connections"] == .integer(1) })
            #expect(eventually { (try? other.call(["STATUS"]))?["rpc.held-bytes"] == .integer(0) })
        }
    }

    @Test("silent connections give their places back after rpc.idle-timeout-s; one that asks keeps its own")
    func idle() async throws {
        try await withServer({
            $0.connectionsMax = 3
            $0.idleTimeout = .seconds(1)
        }) { path, _ in
            let asking = try RPCClient(socketPath: path)
            let silent = try (0..<2).map { _ in try RawConnection(path) }
            for connection in silent { connection.ask("PING\r\n", expecting: "+PONG\r\n") }
            #expect(try RawConnection(path).readToEnd().hasPrefix("-ERR max number of clients reached"))
            // Once there is room, the silent ones have gone.
            #expect(
                eventually {
                    guard (try? asking.call(["PING"])) == .simple("PONG") else { return false }
                    return (try? RPCClient(socketPath: path)) != nil
                })
            for connection in silent { #expect(connection.readToEnd().isEmpty) }
        }
    }

    @Test("empty arrays without end are no part of the request behind them")
    func emptyArrays() async throws {
        try await withServer({ $0.limits = RequestLimits(requestBytesMax: 4_096) }) { path, _ in
            let raw = try RawConnection(path)
            // Each counted towards the next request's length once: a thousand were as long as any request may be.
            raw.ask(
                String(repeating: "*0\r\n", count: 5_000) + "*1\r\n$4\r\nPING\r\n", expecting: "+PONG\r\n")
        }
    }
}
