import ClusterLookUps
import ClusterMembers
import Events
import Instruments
import Locking
import LookUps
import RESP
import RPC
import RPCSupport
import Testing

@testable import HTTPServer

/// Users whose names begin with `x` or `s` are with another daemon, those with `m` are on the move.
private final class Directory: ClusterDirectory {
    let other: String

    init(other: String) { self.other = other }

    func place(ofUser id: some Collection<UInt8>) -> UserPlace {
        switch id.first {
        case UInt8(ascii: "x"), UInt8(ascii: "s"): .at(address: other)
        case UInt8(ascii: "m"): .moving("partition 3 is on its way")
        default: .here
        }
    }

    var view: ClusterView { ClusterView(partitions: 4, members: []) }
}

/// Has all users.
private final class Everything: ClusterDirectory {
    func place(ofUser id: some Collection<UInt8>) -> UserPlace { .here }
    var view: ClusterView { ClusterView(partitions: 1, members: []) }
}

/// A daemon of a group: its RPC for the others, its HTTP for clients.
private struct Daemon {
    let service = FakeService()
    let server: HTTPServer
    let rpc: RPCServer
    let scratch: Scratch
    let directory: any ClusterDirectory

    init(_ directory: any ClusterDirectory, isOld: Bool = false) async throws {
        (scratch, self.directory) = (try Scratch(), directory)
        var options = HTTPServerOptions()
        options.listen = .address(host: "127.0.0.1", port: 0)
        server = HTTPServer(options: options, registry: MetricsRegistry(), logger: silent)
        var commands = RPCServerOptions(socketPath: scratch.socket)
        commands.cluster = directory
        if !isOld { commands.web = server.lookups }
        rpc = RPCServer(options: commands, service: service, logger: silent)
        try await server.start()
        try await rpc.start()
        serve(forwards: true)
    }

    func serve(forwards: Bool) {
        server.serve(
            RoutedLookups(service, directory), beside: directory, asking: forwards ? rpc.peers : nil)
    }

    var site: Site {
        get throws {
            Site(
                address: try #require(server.address), service: service, server: server,
                registry: MetricsRegistry())
        }
    }

    func stop() async {
        await rpc.shutdown(grace: .milliseconds(200))
        await server.shutdown(grace: .milliseconds(200))
        scratch.remove()
    }
}

@Suite("HTTP requests about users of another daemon")
struct ForwardingTests {
    /// - Parameters:
    ///   - forwards: whether the first asks the second on a client's behalf.
    ///   - isOld: whether the second knows nothing of that.
    ///   - other: what the first takes for the second's address; its RPC's where absent.
    private func withTwo(
        forwards: Bool = true, isOld: Bool = false, others: any ClusterDirectory = Everything(),
        at other: String? = nil, _ body: @escaping @Sendable (Site, Site) throws -> Void
    ) async throws {
        let second = try await Daemon(others, isOld: isOld)
        let first = try await Daemon(Directory(other: other ?? second.rpc.place))
        first.serve(forwards: forwards)
        let (one, two) = (try first.site, try second.site)
        let result = await offPool { Result { try body(one, two) } }
        await first.stop()
        await second.stop()
        try result.get()
    }

    private static let targets = [
        "/v1/recommend/x1?count=3&titles=true&meta=true", "/v1/recommend/x%201%C3%BC?tag=a&exclude=i1",
        "/v1/similar-users/x1", "/v1/predict/x1?item=i1&item=i2", "/v1/rank/x1?item=i1&item=i2",
        "/v1/explain/x1/i1", "/v1/users/x1?count=2", "/v1/tags/x1",
    ]

    @Test("are answered by it, byte for byte as if it had been asked itself")
    func answers() async throws {
        try await withTwo { one, two in
            for target in Self.targets {
                let (forwarded, local) = (try one.ask(target), try two.ask(target))
                #expect(forwarded.status == local.status && forwarded.body == local.body, "\(target)")
                #expect(forwarded.headers["content-type"] == local.headers["content-type"], "\(target)")
            }
            #expect(one.service.state.withLock { $0.recommended.isEmpty })
            #expect(two.service.state.withLock { $0.recommended.count } == 4)
            #expect(try one.ask("/v1/recommend/u1").status == 200)
            #expect(one.service.state.withLock { $0.recommended.map(\.user.string) } == ["u1"])
            let metrics = try one.ask("/metrics").text
            #expect(metrics.contains("freshet_requests_forwarded_total \(Self.targets.count)\n"))
            let head = try one.ask("/v1/recommend/x1", method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty, "\(head)")
        }
    }

    @Test("what is wrong with them comes as it would from it")
    func problems() async throws {
        try await withTwo { one, two in
            two.service.change { $0.refusal = LookupError(.noModel, "model 'x' is not known") }
            let refused = try one.ask("/v1/recommend/x1?model=x")
            #expect(refused.status == 404)
            #expect(try refused.json["code"] as? String == "NOMODEL")
            two.service.change { $0.refusal = nil }
            for (target, status) in [
                ("/v1/recommend/stranger?fallback=none", 404),
                ("/v1/recommend/x1?count=0", 400), ("/v1/recommend/x1?nonsense=1", 400),
                ("/v1/predict/x1", 400),
            ] {
                let (forwarded, local) = (try one.ask(target), try two.ask(target))
                #expect(local.status == status, "\(target): \(local)")
                #expect(forwarded.status == local.status && forwarded.body == local.body, "\(target)")
                #expect(forwarded.headers["content-type"] == "application/problem+json")
            }
        }
    }

    @Test("wait there for the event that they name, for as long as they say")
    func waiting() async throws {
        try await withTwo { one, two in
            let connection = try TCPConnection(one.address)
            connection.send(
                "GET /v1/recommend/x1?after=0:0&timeout-ms=5000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            #expect(eventually { two.service.state.withLock { $0.heldWaits.count } == 1 })
            #expect(two.service.state.withLock { $0.waits } == [.seconds(5)])
            #expect(one.service.state.withLock { $0.waits.isEmpty })
            // Others do not stand behind it.
            #expect(try one.ask("/v1/recommend/x2").status == 200)
            two.service.state.withLock { $0.heldWaits.removeFirst() }.1(
                .failure(LookupError(.stale, "event 0:0 is not learned")))
            let answer = try Answer(connection.receiveToEnd())
            #expect(answer.status == 409)
            #expect(try answer.json["code"] as? String == "STALE")
            #expect(try answer.json["detail"] as? String == "event 0:0 is not learned")
        }
    }

    @Test("are told to come again while their user is on the move, or nobody answers there")
    func nobody() async throws {
        try await withTwo(at: "/nowhere") { one, _ in
            for (target, words) in [("/v1/users/m1", "on its way"), ("/v1/users/x1", "/nowhere")] {
                let answer = try one.ask(target)
                #expect(answer.status == 503 && answer.headers["retry-after"] == "1")
                #expect(try answer.json["code"] as? String == "TRYAGAIN")
                #expect((try answer.json["detail"] as? String)?.contains(words) == true)
            }
        }
    }

    @Test("are sent on where the user has moved once more, and no further")
    func hops() async throws {
        let third = try await Daemon(Everything())
        try await withTwo(others: Directory(other: third.rpc.place)) { one, _ in
            let answer = try one.ask("/v1/recommend/x1")
            #expect(answer.status == 200)
            #expect(third.service.state.withLock { $0.recommended.count } == 1)
        }
        await third.stop()
        try await withTwo(others: Directory(other: "/nowhere")) { one, _ in
            let answer = try one.ask("/v1/recommend/x1")
            #expect(answer.status == 503)
        }
    }

    @Test("are sent there with 421 where the configuration says so, and where it is of an earlier version")
    func moved() async throws {
        for (forwards, isOld) in [(false, false), (true, true)] {
            try await withTwo(forwards: forwards, isOld: isOld) { one, two in
                for target in Self.targets where !target.contains("%") {
                    let answer = try one.ask(target)
                    #expect(answer.status == 421, "\(target)")
                    #expect(try answer.json["code"] as? String == "MOVED")
                    let slot = HashSlots.slot(of: "x1".utf8)
                    #expect((try answer.json["detail"] as? String)?.hasPrefix("\(slot) /") == true)
                }
                #expect(two.service.state.withLock { $0.recommended.isEmpty })
            }
        }
    }

    @Test("nothing but look-ups of users is answered for others")
    func others() async throws {
        let daemon = try await Daemon(Everything())
        let place = daemon.rpc.place
        let result = await offPool {
            Result { () throws in
                let client = try RPCClient(socketPath: place)
                for target in ["/v1/status", "/v1/items/i1", "/v1/events", "/", "", "/v1/users"] {
                    guard case .array(let parts) = try client.call(["CLUSTER", "GET", target]) else {
                        Issue.record("\(target) has no answer")
                        continue
                    }
                    #expect(parts.first == .integer(404), "\(target)")
                }
            }
        }
        await daemon.stop()
        try result.get()
    }
}
