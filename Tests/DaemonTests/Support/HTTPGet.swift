import Foundation
import TestSupport
import Testing

/// What an HTTP server answers; the tests of its room look closer.
func get(_ address: String, _ target: String) throws -> (status: Int, body: String) {
    let port = try #require(UInt16(address.split(separator: ":").last ?? ""))
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var to = sockaddr_in()
    to.sin_family = sa_family_t(AF_INET)
    to.sin_port = port.bigEndian
    to.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &to) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw TestFailure("nobody listens at \(address)") }
    let request = "GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    _ = send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL))
    var (all, part) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while case let count = recv(descriptor, &part, part.count, 0), count > 0 { all += part.prefix(count) }
    let text = String(decoding: all, as: UTF8.self)
    let halves = text.components(separatedBy: "\r\n\r\n")
    let status = try #require(Int(text.split(separator: " ").dropFirst().first ?? ""), "\(text)")
    return (status, halves.dropFirst().joined(separator: "\r\n\r\n"))
}

extension DaemonProcess {
    /// Where it serves HTTP, as its messages have it.
    var site: String {
        get throws {
            let line = try #require(
                errors.split(separator: "\n").last { $0.contains("address=http://") }, "\(errors)")
            let address = line.components(separatedBy: "address=http://")[1]
            return String(address.prefix { $0 != " " })
        }
    }
}
