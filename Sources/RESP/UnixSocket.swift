#if canImport(Darwin)
    package import Darwin
#elseif canImport(Musl)
    package import Musl
#else
    package import Glibc
#endif

/// What a client and a server need of the system to meet at a Unix socket.
package enum UnixSocket {
    /// The longest path: `sun_path` less its closing zero, 107 bytes on Linux, 103 on Darwin.
    package static let pathBytesMax = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// A Unix stream socket that does not block and is closed on exec; negative, with `errno` set, where there is none.
    package static func open() -> CInt {
        #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return descriptor }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// A path as the system's address, or `nil` where it is empty, too long or holds a zero byte.
    package static func address(of path: String) -> sockaddr_un? {
        guard (1...pathBytesMax).contains(path.utf8.count), !path.utf8.contains(0) else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return address
    }

    /// Calls `body` with the address as the system calls take it.
    package static func withAddress(
        _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// The system's words for an `errno`.
    package static func message(_ code: CInt) -> String {
        guard let text = strerror(code) else { return "system error \(code)" }
        return String(cString: text)
    }
}
