#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Who is at the other end of a connection, as the system tells.
public enum Peer: Sendable, Equatable, CustomStringConvertible {
    /// Of a Unix socket: who it was that connected.
    /// - Parameter groups: the effective one first, then the others.
    case process(id: Int32, user: UInt32, groups: [UInt32])
    /// Of TCP: an IP address without its port.
    case address(String)
    case unknown

    /// For the log.
    public var description: String {
        switch self {
        case .process(let id, let user, _): "process \(id) of uid \(user)"
        case .address(let address): address
        case .unknown: "unknown"
        }
    }

    /// Who shares one limit where nobody gave a name.
    public var limitName: String {
        switch self {
        case .process(_, let user, _): "uid:\(user)"
        case .address(let address): address
        case .unknown: "unknown"
        }
    }

    /// The system's `struct ucred`, which Glibc shows to Swift in no header.
    private struct Credentials {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    /// - Parameter descriptor: a connected Unix socket.
    public init(unixSocket descriptor: CInt) {
        self = .unknown
        #if os(Linux)
            var credentials = Credentials()
            var length = socklen_t(MemoryLayout<Credentials>.size)
            guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return }
            let others = Self.otherGroups(descriptor).filter { $0 != credentials.group }
            self = .process(
                id: credentials.process, user: credentials.user, groups: [credentials.group] + others)
        #endif
    }

    #if os(Linux)
        /// `SO_PEERGROUPS`, which Glibc's headers do not name.
        private static let peerGroups: CInt = 59

        private static func otherGroups(_ descriptor: CInt) -> [UInt32] {
            var groups = [UInt32](repeating: 0, count: 64)
            for _ in 0..<2 {
                var length = socklen_t(groups.count * MemoryLayout<UInt32>.size)
                if getsockopt(descriptor, SOL_SOCKET, peerGroups, &groups, &length) == 0 {
                    return Array(groups.prefix(Int(length) / MemoryLayout<UInt32>.size))
                }
                // Too many for the room: the system has said how many there are.
                guard errno == ERANGE else { return [] }
                groups = [UInt32](repeating: 0, count: Int(length) / MemoryLayout<UInt32>.size)
            }
            return []
        }
    #endif
}
