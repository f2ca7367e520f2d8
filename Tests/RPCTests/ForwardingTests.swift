import ClusterMembers
import Engine
import Events
import Locking
import LookUps
import RESP
import RPC
import RPCSupport
import Testing

@testable import Commands

/// Users whose names begin with `x` are with another daemon, those with `m` are on the move.
private final class Directory: ClusterDirectory {
    let other: String

    init(other: String) { self.other = other }

    func place(ofUser id: some Collection<UInt8>) -> UserPlace {
        switch id.first {
        case UInt8(ascii: "x"): .at(address: other)
        case UInt8(ascii: "m"): .moving("partition 3 is on its way")
        default: .here
        }
    }

    var view: ClusterView {
        ClusterView(
            partitions: 4,
            members: [
                MemberView(
                    member: 1, address: "127.0.0.1:7001", isMyself: true, partitions: [0, 1], age: 0,
                    bytesSent: 0),
                MemberView(
                    member: 2, address: other, isMyself: false, partitions: [2, 3], age: 5, bytesSent: 0),
            ])
    }
}

@Suite("Commands about users of another daemon")
struct ForwardingTests {
    /// Beside a second server.
    private func withOther(
        _ directory: any ClusterDirectory,
        _ body: (_ place: String, _ service: FakeService) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let service = FakeService()
        var options = RPCServerOptions(socketPath: scratch.socket)
        options.cluster = directory
        let server = RPCServer(options: options, service: service, logger: silent)
        try await server.start()
        do {
            try await body(server.place, service)
        } catch {
            await server.shutdown(grace: .milliseconds(200))
            throw error
        }
        await server.shutdown(grace: .milliseconds(200))
    }

    @Test("are sent on where the other says that they have moved, and no further")
    func hops() async throws {
        try await withOther(Directory(other: "/nowhere")) { place, other in
            try await withServer({ $0.cluster = Directory(other: place) }) { path, _ in
                let client = try RPCClient(socketPath: path)
                let answer = try ask(client, "RECOMMEND x1 COUNT 1")
                guard case .error(let words) = answer else {
                    Issue.record("it is not refused: \(answer)")
                    return
                }
                #expect(words.hasPrefix("TRYAGAIN the daemon at /nowhere"))
                #expect(other.state.withLock { $0.recommended.isEmpty })
            }
        }
    }

    @Test("stand in the order in which they were asked, alone and between MULTI and EXEC", arguments: [2, 3])
    func order(version: Int) async throws {
        try await withOther(Everything()) { place, service in
            try await order(version, place, service)
        }
    }

    private func order(_ version: Int, _ place: String, _ service: FakeService) async throws {
        try await withServer({ $0.cluster = Directory(other: place) }) { path, own in
            let client = try RPCClient(socketPath: path)
            _ = try ask(client, "HELLO \(version)")
            // The other daemon works out several at once; by how long it is, an answer tells which it is.
            let lines = (0..<200).map { $0 % 3 == 0 ? "RECOMMEND x\($0) COUNT \(1 + $0 % 5)" : "PING \($0)" }
            for line in lines { try client.send(line.split(separator: " ").map(String.init)) }
            for (number, line) in lines.enumerated() {
                let answer = try client.receive()
                if line.hasPrefix("PING") {
                    #expect(answer == .text("\(number)"))
                } else {
                    guard case .array(let values) = answer else {
                        Issue.record("\(line): \(answer)")
                        continue
                    }
                    #expect(values.count == 1 + number % 5)
                }
            }
            #expect(
                service.state.withLock { $0.recommended.map(\.user.string).sorted() }
                    == lines.indices.filter { $0 % 3 == 0 }.map { "x\($0)" }.sorted())
            #expect(own.state.withLock { $0.recommended.isEmpty })
            _ = try ask(client, "MULTI")
            for line in ["RECOMMEND x1 COUNT 1", "PING", "RECOMMEND u1 COUNT 1", "USER.GET m1"] {
                #expect(try ask(client, line) == .simple("QUEUED"))
            }
            #expect(
                try ask(client, "EXEC")
                    == .array([
                        list("i1"), .simple("PONG"), list("i1"), .error("TRYAGAIN partition 3 is on its way"),
                    ]))
            // Each of the users from where it is, in the order asked.
            let alone = try ["x1", "u1", "x2"].map { try ask(client, "RECOMMEND \($0) COUNT 1 WITHSCORES") }
            let together = try ask(client, "MRECOMMEND x1 u1 m1 x2 stranger COUNT 1 WITHSCORES FALLBACK none")
            #expect(
                together
                    == .array([
                        alone[0], alone[1], .error("TRYAGAIN partition 3 is on its way"), alone[2],
                        .error("NOUSER user 'stranger' is not known"),
                    ]))
            // Waits there, and those behind it do not.
            try client.send(["RECOMMEND", "x1", "COUNT", "1", "AFTER", "0:0", "TIMEOUT", "5000"])
            try client.send(["RECOMMEND", "x2", "COUNT", "1"])
            try client.flush()
            #expect(eventually { service.state.withLock { $0.heldWaits.count } == 1 })
            #expect(service.state.withLock { $0.waits } == [.seconds(5)])
            #expect(eventually { service.state.withLock { $0.recommended.last?.user.string } == "x2" })
            service.state.withLock { $0.heldWaits.removeFirst() }.1(.success(()))
            #expect(try client.receive() == list("i1"))
            #expect(try client.receive() == list("i1"))
            #expect(try ask(client, "CLUSTER LINK") == .simple("OK"))
            #expect(
                try ask(client, "RECOMMEND x1") == .error("MOVED \(HashSlots.slot(of: "x1".utf8)) \(place)"))
        }
    }

    @Test("are sent there with MOVED where the configuration says so; events go into the log from anywhere")
    func moved() async throws {
        try await withServer({ ($0.cluster, $0.forwards) = (Directory(other: "10.0.0.2:7379"), false) }) {
            path, service in
            let client = try RPCClient(socketPath: path)
            let words = "MOVED \(HashSlots.slot(of: "x1".utf8)) 10.0.0.2:7379"
            for line in [
                "RECOMMEND x1", "PREDICT x1 i1", "RANK x1 i1", "SIMILAR.USERS x1", "EXPLAIN x1 i1",
                "USER.GET x1", "TAGS USER x1", "TAGS recommended x1",
            ] { #expect(try ask(client, line) == .error(words), "\(line)") }
            #expect(try ask(client, "MRECOMMEND x1 u1 COUNT 1") == .array([.error(words), list("i1")]))
            #expect(try ask(client, "RATE x1 i1 5") == .text("0:0"))
            #expect(try ask(client, "RECOMMEND m1") == .error("TRYAGAIN partition 3 is on its way"))
            guard case .array = try ask(client, "RECOMMEND u1") else {
                Issue.record("a user of its own is not answered")
                return
            }
        }
    }

    @Test("clients of a cluster find what they ask at their start")
    func words() async throws {
        try await withServer({ $0.cluster = Directory(other: "10.0.0.2:7379") }) { path, _ in
            let client = try RPCClient(socketPath: path)
            let (mine, theirs) = (
                String(repeating: "0", count: 39) + "1", String(repeating: "0", count: 39) + "2"
            )
            #expect(
                try ask(client, "CLUSTER SLOTS")
                    == .array([
                        .array([
                            .integer(0), .integer(8_191),
                            .array([.text("127.0.0.1"), .integer(7_001), .text(mine), .array([])]),
                        ]),
                        .array([
                            .integer(8_192), .integer(16_383),
                            .array([.text("10.0.0.2"), .integer(7_379), .text(theirs), .array([])]),
                        ]),
                    ]))
            #expect(
                try ask(client, "CLUSTER NODES").string
                    == "\(mine) 127.0.0.1:7001@7001 myself,master - 0 0 1 connected 0-8191\n"
                    + "\(theirs) 10.0.0.2:7379@7379 master - 0 0 1 connected 8192-16383\n")
            #expect(try ask(client, "CLUSTER INFO").string?.contains("cluster_state:ok\r\n") == true)
            #expect(try ask(client, "CLUSTER MYID") == .text(mine))
            #expect(try ask(client, "CLUSTER KEYSLOT foo") == .integer(12_182))
            #expect(try ask(client, "CLUSTER WHERE x1") == .text("10.0.0.2:7379"))
            #expect(try ask(client, "CLUSTER WHERE u1") == .text("127.0.0.1:7001"))
            #expect(try ask(client, "CLUSTER WHERE m1") == .null)
            #expect(try ask(client, "READONLY") == .simple("OK"))
            #expect(try ask(client, "INFO cluster").string?.contains("cluster_enabled:1") == true)
            guard case .array(let entries) = try ask(client, "COMMAND INFO recommend tags rate top"),
                entries.count == 4
            else {
                Issue.record("no entries")
                return
            }
            let keys = entries.map { entry -> [RESPValue] in
                if case .array(let parts) = entry { Array(parts[3...5]) } else { [] }
            }
            #expect(
                keys
                    == [[1, 1, 1], [2, 2, 1], [1, 1, 1], [0, 0, 0]].map { $0.map { .integer(Int64($0)) } })
        }
    }
}

/// Has all users.
private final class Everything: ClusterDirectory {
    func place(ofUser id: some Collection<UInt8>) -> UserPlace { .here }
    var view: ClusterView { ClusterView(partitions: 1, members: []) }
}
