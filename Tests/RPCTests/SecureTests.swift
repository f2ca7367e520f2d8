import Access
import Engine
import Foundation
import Locking
import RESP
import RPCSupport
import TestSupport
import Testing
import TransportSecurity

@testable import RPC

@Suite("the RPC over TLS")
struct SecureTests {
    private let folder = TestSupport.Folder()
    private let authority: String

    init() throws { authority = try TestCertificate.authority.write(to: folder.path).certificate }

    private func files(_ certificate: TestCertificate, asksClients: Bool = false) throws -> TLSFiles {
        let (chain, key) = try certificate.write(to: folder.path, as: "shown")
        return TLSFiles(certificate: chain, key: key, clientAuthorities: asksClients ? authority : nil)
    }

    /// Runs `body` against a server with TLS at an address of its own.
    private func withServer(
        _ security: ServerSecurity, _ configure: (inout RPCServerOptions) -> Void = { _ in },
        body: @escaping @Sendable (_ port: Int, _ server: RPCServer) throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var options = RPCServerOptions(socketPath: scratch.socket)
        options.access = AccessControl(AccessRules(password: "secret"))
        options.listen = ("127.0.0.1", 0)
        options.security = security
        configure(&options)
        let service = FakeService()
        service.change { $0.answersLarge = true }
        let server = RPCServer(options: options, service: service, logger: silent)
        try await server.start()
        let port = try #require(Int(server.address?.split(separator: ":").last ?? ""))
        let result = await offPool { Result { try body(port, server) } }
        await server.shutdown(grace: .milliseconds(200))
        try result.get()
    }

    private func client(
        _ address: String, authority: String? = nil, as identity: TLSFiles? = nil
    ) throws -> RPCClient {
        let security = try ClientSecurity(authorities: authority ?? self.authority, identity: identity)
        return try RPCClient(
            socketPath: address, timeout: .seconds(20), password: "secret", secureWay: SecureWay(security))
    }

    private func refusal(_ body: () throws -> RPCClient) -> String {
        do {
            _ = try body()
            return "it came in"
        } catch {
            return "\(error)"
        }
    }

    @Test("a client comes in by name and by address, and large answers go through whole")
    func comesIn() async throws {
        try await withServer(try ServerSecurity(try files(.server))) { port, _ in
            for address in ["tls://localhost:\(port)", "rediss://127.0.0.1:\(port)"] {
                let client = try self.client(address)
                #expect(try client.call(["PING"]) == .simple("PONG"))
                for _ in 0..<200 { try client.send(["RECOMMEND", "u1", "COUNT", "32"]) }
                for _ in 0..<200 {
                    guard case .array(let items) = try client.receive() else {
                        Issue.record("no list came")
                        return
                    }
                    #expect(items.count == 32)
                }
            }
        }
    }

    @Test("whoever speaks no TLS, or has no password, does not come in, and the first is counted")
    func plain() async throws {
        let access = AccessControl(AccessRules(password: "secret"))
        try await withServer(try ServerSecurity(try files(.server)), { $0.access = access }) { port, server in
            #expect(
                self.refusal { try RPCClient(socketPath: "tcp://127.0.0.1:\(port)", password: "secret") }
                    .contains("closed the connection"))
            #expect(
                eventually { access.counters.all.contains { $0 == ("access.refused.handshake", 1) } })
            let way = SecureWay(try ClientSecurity(authorities: self.authority))
            #expect(
                self.refusal { try RPCClient(socketPath: "tls://localhost:\(port)", secureWay: way) }
                    .contains("NOAUTH"))
        }
    }

    @Test("a client takes no certificate of another name, of an unknown authority, or one that has ended")
    func unknownServers() async throws {
        let elsewhere = try ServerSecurity(try files(.elsewhere))
        try await withServer(elsewhere) { port, _ in
            #expect(
                self.refusal { try self.client("tls://localhost:\(port)") }.contains("is of another name"))
        }
        try await withServer(try ServerSecurity(try files(.server))) { port, _ in
            let other = try TestCertificate.elsewhere.write(to: self.folder.path).certificate
            #expect(
                self.refusal { try self.client("tls://localhost:\(port)", authority: other) }
                    .contains("signed by nobody who is known here"))
        }
        let nobody = refusal { try client("tls://127.0.0.1:1") }
        #expect(nobody.contains("no TLS with 127.0.0.1:1: Connection refused"), "\(nobody)")
    }

    @Test("where clients have to show a certificate, none comes in without, and one of the authority's does")
    func mutual() async throws {
        let (chain, key) = try TestCertificate.client.write(to: folder.path)
        let identity = TLSFiles(certificate: chain, key: key)
        try await withServer(try ServerSecurity(try files(.server, asksClients: true))) { port, _ in
            // Turned away once the client thinks that all is agreed on, it closed a descriptor twice, the second time
            // whoever's it was by then: NIO's debug builds end the process for it.
            for _ in 0..<30 {
                #expect(self.refusal { try self.client("tls://localhost:\(port)") } != "it came in")
            }
            let known = try self.client("tls://localhost:\(port)", as: identity)
            #expect(try known.call(["PING"]) == .simple("PONG"))
        }
    }

    @Test("a certificate made anew is shown to new connections; a wrong one changes nothing")
    func renewed() async throws {
        let security = try ServerSecurity(try files(.elsewhere))
        try await withServer(security) { port, _ in
            _ = try TestCertificate.expired.write(to: self.folder.path, as: "shown")
            #expect(throws: TransportSecurityError.self) { try security.readAgain() }
            #expect(self.refusal { try self.client("tls://localhost:\(port)") }.contains("another name"))
            _ = try self.files(.server)
            security.show(try security.readAgain())
            #expect(try self.client("tls://localhost:\(port)").call(["PING"]) == .simple("PONG"))
        }
    }

    @Test("STATUS tells when the certificate that is shown ends, the new one's once it is shown")
    func end() async throws {
        let security = try ServerSecurity(try files(.server))
        try await withServer(security) { port, server in
            let client = try self.client("tls://localhost:\(port)")
            let shown = Int64(security.ends.timeIntervalSince1970)
            #expect(shown > 1_700_000_000)
            #expect(try client.call(["STATUS"])["rpc.tls.ends-at"] == .integer(shown))
            #expect(server.status.contains { $0.name == "rpc.tls.ends-at" && $0.value == .integer(shown) })
            _ = try self.files(.elsewhere)
            security.show(try security.readAgain())
            #expect(
                try client.call(["STATUS"])["rpc.tls.ends-at"]
                    == .integer(Int64(security.ends.timeIntervalSince1970)))
        }
    }

    @Test("who does not agree on TLS in time is closed")
    func silentClient() async throws {
        let options: (inout RPCServerOptions) -> Void = { $0.requestTimeout = .milliseconds(200) }
        try await withServer(try ServerSecurity(try files(.server)), options) { port, server in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(connected == 0)
            var limit = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var byte: UInt8 = 0
            #expect(recv(descriptor, &byte, 1, 0) == 0)
            #expect(eventually { server.registry.isEmpty })
        }
    }

    @Test("as another server takes over, a client over TLS is ended, and may come in again there")
    func handedOver() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let security = try ServerSecurity(try files(.server))
        func options(_ port: Int) -> RPCServerOptions {
            var options = RPCServerOptions(socketPath: scratch.socket)
            options.access = AccessControl(AccessRules(password: "secret"))
            options.listen = ("127.0.0.1", port)
            options.security = security
            return options
        }
        let first = RPCServer(options: options(0), service: FakeService(), logger: silent)
        try await first.start()
        let port = try #require(Int(first.address?.split(separator: ":").last ?? ""))
        let early = try client("tls://localhost:\(port)")
        let second = RPCServer(options: options(port), service: FakeService(), logger: silent)
        try await second.start(with: try #require(await first.handOver(grace: .seconds(5))))
        #expect(throws: RPCClientError.self) { try early.call(["PING"]) }
        #expect(try client("tls://localhost:\(port)").call(["PING"]) == .simple("PONG"))
        await second.shutdown(grace: .milliseconds(200))
    }
}
