import Access
import Foundation
import RESP
import RPCSupport
import Testing

@testable import RPC

@Suite("the RPC over TCP")
struct TCPTests {
    @Test("nobody comes in without a password, and with one it is as on the socket")
    func passwords() async throws {
        let hash = try #require(PasswordHash.make(of: "p"))
        let scratch = try Scratch()
        defer { scratch.remove() }
        var options = RPCServerOptions(socketPath: scratch.socket)
        options.access = AccessControl(
            AccessRules(standardRole: .admin, users: ["watch": NamedUser(role: .read, hashes: [hash])]))
        options.listen = ("127.0.0.1", 0)
        let server = RPCServer(options: options, service: FakeService(), logger: silent)
        try await server.start()
        let address = "tcp://" + (try #require(server.address))
        let result = await offPool {
            Result {
                let error = #expect(throws: RPCClientError.self) { try RPCClient(socketPath: address) }
                #expect(error?.message.contains("NOAUTH") == true)
                // What is enough on the Unix socket is not enough here.
                #expect(throws: RPCClientError.self) {
                    try RPCClient(socketPath: address, user: "default", password: "any")
                }
                let watch = try RPCClient(socketPath: address, user: "watch", password: "p")
                #expect(try ask(watch, "RECOMMEND u1 COUNT 1") == list("i1"))
                guard case .error(let refusal) = try ask(watch, "FORGET u1") else {
                    Issue.record("a reader erased a user")
                    return
                }
                #expect(refusal.hasPrefix("NOPERM"))
                let local = try RPCClient(socketPath: scratch.socket)
                #expect(try ask(local, "CLIENT LIST").string?.contains("user=watch") == true)
            }
        }
        await server.shutdown(grace: .milliseconds(200))
        try result.get()
    }

    @Test("a server takes the address over from another, with its clients")
    func handedOver() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        func options(_ port: Int) -> RPCServerOptions {
            var options = RPCServerOptions(socketPath: scratch.socket)
            options.access = AccessControl(AccessRules(password: "secret"))
            options.listen = ("127.0.0.1", port)
            return options
        }
        let first = RPCServer(options: options(0), service: FakeService(), logger: silent)
        try await first.start()
        let address = try #require(first.address)
        let port = try #require(Int(address.split(separator: ":").last ?? ""))
        let client = try RPCClient(socketPath: "tcp://" + address, password: "secret")
        let second = RPCServer(options: options(port), service: FakeService(), logger: silent)
        try await second.start(with: try #require(await first.handOver(grace: .seconds(5))))
        #expect(try client.call(["PING"]) == .simple("PONG"))
        let later = try RPCClient(socketPath: "tcp://" + address, password: "secret")
        #expect(try later.call(["PING"]) == .simple("PONG"))
        await second.shutdown(grace: .zero)
    }

    @Test("an address that another has is told with the key, and the socket is given back")
    func taken() async throws {
        let (one, other) = (try Scratch(), try Scratch())
        defer {
            one.remove()
            other.remove()
        }
        var options = RPCServerOptions(socketPath: one.socket)
        options.listen = ("127.0.0.1", 0)
        let first = RPCServer(options: options, service: FakeService(), logger: silent)
        try await first.start()
        let port = Int(first.address?.split(separator: ":").last ?? "") ?? 0
        options = RPCServerOptions(socketPath: other.socket)
        options.listen = ("127.0.0.1", port)
        let second = RPCServer(options: options, service: FakeService(), logger: silent)
        let error = await #expect(throws: RPCServerError.self) { try await second.start() }
        #expect(error?.message.contains("rpc.listen '127.0.0.1:\(port)'") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.folder).isEmpty)
        await first.shutdown(grace: .zero)
    }
}
