import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// Who is at the other end of a Unix socket.
enum PeerProcess {
    /// The system's `struct ucred`, which Glibc shows to Swift in no header.
    private struct Credentials: Sendable {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    /// The id of the process that connected; fails where the system does not tell.
    static func id(of channel: any Channel) -> EventLoopFuture<Int32> {
        #if os(Linux)
            if let provider = channel as? any SocketOptionProvider {
                let credentials: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
                    level: .init(SOL_SOCKET), name: .init(SO_PEERCRED))
                return credentials.map(\.process)
            }
        #endif
        return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
}
