import Engine
import Foundation
import Instruments
import Locking
import RPCSupport
import TestSupport
import Testing

@testable import HTTPServer

/// What came back.
struct Answer {
    var status: Int
    /// Names in lower case.
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    /// As Foundation reads it; an object, as a rule.
    var json: [String: Any] {
        get throws {
            let value = try JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed)
            return try #require(value as? [String: Any])
        }
    }

    /// All that came until the server closed: head, and body by its length or in chunks.
    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let halves = text.components(separatedBy: "\r\n\r\n")
        let lines = halves[0].components(separatedBy: "\r\n")
        status = try #require(
            Int(lines[0].split(separator: " ").dropFirst().first ?? ""), "no answer: \(text)")
        for line in lines.dropFirst() {
            let sides = line.split(separator: ":", maxSplits: 1)
            headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
        }
        body = Array(bytes.dropFirst(halves[0].utf8.count + 4))
        if headers["transfer-encoding"] == "chunked" { body = Self.joined(body) }
    }

    private static func joined(_ chunks: [UInt8]) -> [UInt8] {
        var (rest, body) = (chunks[...], [UInt8]())
        while let end = rest.firstIndex(of: 10),
            let length = Int(
                String(decoding: rest[..<end], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines),
                radix: 16),
            length > 0, rest[(end + 1)...].count >= length
        {
            body += rest[(end + 1)...].prefix(length)
            rest = rest[(end + 1)...].dropFirst(length + 2)
        }
        return body
    }
}

/// A connection over TCP that sends and reads bytes as they are.
final class TCPConnection {
    private let descriptor: Int32

    /// - Parameter address: `http://127.0.0.1:PORT`.
    init(_ address: String) throws {
        let port = try #require(UInt16(address.split(separator: ":").last ?? ""))
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var to = sockaddr_in()
        to.sin_family = sa_family_t(AF_INET)
        to.sin_port = port.bigEndian
        to.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &to) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0, "cannot connect to \(address)")
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// - Parameter descriptor: connected; taken over.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, 0)
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What comes next; nothing where the other side has closed.
    func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }

    func receiveToEnd() -> [UInt8] {
        var all: [UInt8] = []
        while case let more = receive(), !more.isEmpty { all += more }
        return all
    }

    /// Until the text has come, or the other side has closed.
    func receive(until text: String) -> String {
        var all: [UInt8] = []
        while !String(decoding: all, as: UTF8.self).contains(text) {
            let more = receive()
            if more.isEmpty { break }
            all += more
        }
        return String(decoding: all, as: UTF8.self)
    }
}

/// A server on a port of its own.
struct Site {
    let address: String
    let service: FakeService
    let server: HTTPServer
    let registry: MetricsRegistry

    func ask(
        _ target: String, method: String = "GET", headers: [String] = [], body: String? = nil
    ) throws -> Answer {
        let connection = try TCPConnection(address)
        var lines = ["\(method) \(target) HTTP/1.1", "Connection: close"] + headers
        if !headers.contains(where: { $0.hasPrefix("Host:") }) { lines.append("Host: localhost") }
        if let body {
            lines.append("Content-Length: \(body.utf8.count)")
            if !headers.contains(where: { $0.hasPrefix("Content-Type:") }) {
                lines.append("Content-Type: application/json")
            }
        }
        connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
        return try Answer(connection.receiveToEnd())
    }
}

/// Runs `body` against a server of `FakeService` over real sockets.
///
/// - Parameter serves: whether the state is restored already.
func withSite(
    _ configure: (inout HTTPServerOptions) -> Void = { _ in }, serves: Bool = true,
    body: @escaping @Sendable (Site) throws -> Void
) async throws {
    var options = HTTPServerOptions()
    options.listen = .address(host: "127.0.0.1", port: 0)
    configure(&options)
    let (service, registry) = (FakeService(), MetricsRegistry())
    let server = HTTPServer(options: options, registry: registry, logger: silent)
    try await server.start()
    if serves { server.serve(MeasuredLookups(service, metrics: registry)) }
    let site = Site(
        address: try #require(server.address), service: service, server: server, registry: registry)
    let result = await offPool { Result { try body(site) } }
    await server.shutdown(grace: .milliseconds(200))
    try result.get()
}
