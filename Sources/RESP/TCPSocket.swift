#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A client's way to an address in the clear.
enum TCPSocket {
    /// Connected, and then not blocking; closed on exec.
    static func connect(to address: ClientAddress) throws(RPCClientError) -> CInt {
        let text = "tcp://\(address.host):\(address.port)"
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, String(address.port), &hints, &found)
        guard code == 0, let first = found else {
            throw RPCClientError("'\(text)': \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(first) }
        var why = ""
        for entry in sequence(first: first, next: { $0.pointee.ai_next }) {
            let info = entry.pointee
            let descriptor = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
            guard descriptor >= 0 else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if Glibc.connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 {
                var one: CInt = 1
                setsockopt(
                    descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
                _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
                return descriptor
            }
            why = UnixSocket.message(errno)
            close(descriptor)
        }
        throw RPCClientError(
            "no daemon answers at '\(text)' (\(why)): see its key rpc.listen, or name its Unix socket")
    }
}
