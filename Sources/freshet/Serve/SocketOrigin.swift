import Foundation
import RPC
import Settings

#if canImport(Glibc)
    import Glibc
#endif

/// Where the socket of a daemon comes from.
enum SocketOrigin {
    /// It makes it.
    case own
    /// systemd has it, and keeps it over restarts: clients that come meanwhile wait in its queue (`sd_listen_fds(3)`).
    case inherited(CInt)
    /// Another daemon had it, with its clients, and had learned so far.
    case handed(HandedServer, learned: [Int32: Int64])

    /// The first descriptor that systemd passes.
    private static let firstDescriptor: CInt = 3

    /// What the environment says.
    ///
    /// - Throws: where systemd passes another socket than the configuration names.
    init(_ configuration: Configuration, environment: [String: String], process: Int32) throws(RPCServerError)
    {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == process,
            let count = environment["LISTEN_FDS"].flatMap({ Int($0) }), count > 0
        else {
            self = .own
            return
        }
        let descriptor = Self.firstDescriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        try RPCServer.check(inherited: descriptor, at: configuration.socketPath)
        self = .inherited(descriptor)
    }
}
