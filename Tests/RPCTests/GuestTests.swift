import Access
import RESP
import RPC
import RPCSupport
import Testing

@Suite("clients that nobody knows yet, and peers that take all places")
struct GuestTests {
    private static let closed = AccessControl(AccessRules(password: "secret"))

    @Test("who does not show who it is in time is told so and closed; who has, stays")
    func time() async throws {
        try await withServer({
            $0.access = Self.closed
            $0.requestTimeout = .milliseconds(300)
        }) { path, _ in
            let known = try RPCClient(socketPath: path, password: "secret")
            let guest = try RawConnection(path)
            guest.send("PING\r\n")
            #expect(
                guest.readToEnd()
                    == "-NOAUTH Authentication required.\r\n-NOAUTH no AUTH within 0.3 seconds\r\n")
            #expect(try known.call(["PING"]) == .simple("PONG"))
        }
    }

    @Test("a guest has room for a name and a password alone; with them it has all the room there is")
    func room() async throws {
        try await withServer({ $0.access = Self.closed }) { path, _ in
            let guest = try RawConnection(path)
            guest.send("*2\r\n$4\r\nECHO\r\n$2000\r\n")
            #expect(guest.readToEnd().contains("at most 1024 are allowed"))
            let known = try RawConnection(path)
            let long = String(repeating: "x", count: 5_000)
            known.ask(
                "AUTH secret\r\n*2\r\n$4\r\nECHO\r\n$5000\r\n\(long)\r\n",
                expecting: "+OK\r\n$5000\r\n\(long)\r\n")
            // RESET makes it a guest again.
            known.send("RESET\r\n*2\r\n$4\r\nECHO\r\n$5000\r\n")
            #expect(known.readToEnd().contains("at most 1024 are allowed"))
        }
    }

    @Test("one peer's connections are bounded, told so, and given away again")
    func perPeer() async throws {
        let access = AccessControl(AccessRules(connectionsPerPeer: 2))
        try await withServer({ $0.access = access }) { path, _ in
            let first = try RPCClient(socketPath: path)
            do {
                let second = try RPCClient(socketPath: path)
                #expect(try second.call(["PING"]) == .simple("PONG"))
                let refused = try RawConnection(path).readToEnd()
                #expect(
                    refused.hasPrefix(
                        "-ERR max number of clients reached: access.connections-per-peer is 2, and uid:"))
            }
            #expect(eventually { (try? RPCClient(socketPath: path)) != nil })
            #expect(try first.call(["STATUS"])["rpc.connections.rejected"] != .integer(0))
        }
    }
}
