import Foundation
import Instruments
import RPCSupport
import Testing

@testable import HTTPServer

@Suite("Where HTTP is listened for")
struct ListenTests {
    private func server(_ configure: (inout HTTPServerOptions) -> Void) -> HTTPServer {
        var options = HTTPServerOptions()
        configure(&options)
        return HTTPServer(options: options, registry: MetricsRegistry(), logger: silent)
    }

    @Test("an address that is taken is refused with its key, its value and what to do")
    func taken() async throws {
        let first = server { $0.listen = .address(host: "127.0.0.1", port: 0) }
        try await first.start()
        let address = try #require(first.address?.dropFirst(7))
        let port = try #require(Int(address.split(separator: ":")[1]))
        let second = server { $0.listen = .address(host: "127.0.0.1", port: port) }
        let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
        let message = try #require(error?.message)
        for word in ["http.listen", "127.0.0.1:\(port)", "another program", "port 0", "auto"] {
            #expect(message.contains(word), "\(message)")
        }
        await second.shutdown(grace: .zero)
        await first.shutdown(grace: .zero)
    }

    @Test("two daemons with nothing said both listen, each at an address of its own")
    func auto() async throws {
        let servers = [server { $0.listen = .auto }, server { $0.listen = .auto }]
        for server in servers { try await server.start() }
        #expect(servers[0].address != servers[1].address)
        #expect(servers.allSatisfy { $0.address?.hasPrefix("http://127.0.0.1:") == true })
        for server in servers { await server.shutdown(grace: .zero) }
    }

    @Test("a Unix socket answers too, is left to who holds it, and goes with the server")
    func unixSocket() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let first = server {
            $0.listen = .off
            $0.socketPath = scratch.socket
        }
        try await first.start()
        #expect(first.address == nil)
        let path = scratch.socket
        try await offPool {
            Result {
                let connection = try RawConnection(path)
                // Nobody on the Internet reaches it, whatever name it is asked by.
                connection.send("GET /healthz HTTP/1.1\r\nHost: any.example.com\r\nConnection: close\r\n\r\n")
                #expect(connection.readToEnd().contains("\"alive\":true"))
            }
        }.get()
        let second = server {
            $0.listen = .off
            $0.socketPath = path
        }
        let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
        #expect(error?.message.contains("http.socket") == true)
        await second.shutdown(grace: .zero)
        await first.shutdown(grace: .zero)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("addresses are read as they are meant, and others not at all")
    func addresses() {
        #expect(HTTPServerOptions.Listen("") == .off)
        #expect(HTTPServerOptions.Listen("auto") == .auto)
        #expect(HTTPServerOptions.Listen("0.0.0.0:80") == .address(host: "0.0.0.0", port: 80))
        #expect(HTTPServerOptions.Listen("[::1]:0") == .address(host: "::1", port: 0))
        for text in ["8420", ":8420", "::1:8420", "localhost", "h:70000", "h:-1", "h h:1"] {
            #expect(HTTPServerOptions.Listen(text) == nil, "\(text)")
        }
    }
}
