internal import BenchmarkSupport
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

/// One request over a connection of its own, as little of HTTP as a benchmark needs.
struct PlainHTTP {
    /// Of this machine.
    let port: UInt16

    /// - Parameter address: as `HTTPServer.address` has it.
    init(_ address: String) throws {
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw MeasuredDaemon.Failure(description: "no port in '\(address)'")
        }
        self.port = port
    }

    /// Time and length of the whole answer.
    func get(_ target: String) throws -> (time: Duration, bytes: Int) {
        let begin = ContinuousClock.now
        let descriptor = try send(target)
        defer { close(descriptor) }
        let (bytes, head) = Self.drain(descriptor)
        guard head.hasPrefix("HTTP/1.1 200") else {
            throw MeasuredDaemon.Failure(description: "\(target) is answered with \(head)")
        }
        return (begin.duration(to: .now), bytes)
    }

    /// A connection on which the answer comes, to be closed by the caller.
    func send(_ target: String) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isConnected = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let request = "GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        guard isConnected, Glibc.send(descriptor, request, request.utf8.count, 0) == request.utf8.count else {
            close(descriptor)
            throw MeasuredDaemon.Failure(description: "nobody listens at port \(port)")
        }
        return descriptor
    }

    /// Reads until the other side closes.
    static func drain(_ descriptor: Int32) -> (bytes: Int, head: String) {
        var (bytes, head, part) = (0, "", [UInt8](repeating: 0, count: 1 << 16))
        while case let count = recv(descriptor, &part, part.count, 0), count > 0 {
            if bytes == 0 { head = String(decoding: part.prefix(min(count, 64)), as: UTF8.self) }
            bytes += count
        }
        return (bytes, head)
    }
}
