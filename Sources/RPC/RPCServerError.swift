import RESP

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Why the RPC server cannot start. The message names the path and says what to do.
public struct RPCServerError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Empty, or longer than a Unix socket's path may be.
        case invalidPath
        case folderMissing
        case notWritable
        /// Another daemon answers there, or the file is no socket.
        case taken
        /// The server was already started, or shut down.
        case wrongState
        case system
    }
    public let code: Code
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func invalid(_ path: String) -> RPCServerError {
        guard path.utf8.count > UnixSocket.pathBytesMax else {
            return RPCServerError(
                .invalidPath,
                "socket path '\(path)' is empty or holds a zero byte: name a file for the socket")
        }
        return RPCServerError(
            .invalidPath,
            "socket path '\(path)' has \(path.utf8.count) bytes; a Unix socket's path holds at most "
                + "\(UnixSocket.pathBytesMax): choose a shorter one, say under /run or /tmp")
    }

    static func taken(_ path: String, how: String) -> RPCServerError {
        RPCServerError(
            .taken, "another daemon \(how) at socket '\(path)': stop it first, or choose another socket path")
    }

    /// The system's refusal to make something at `path`.
    static func opening(_ path: String, code: CInt) -> RPCServerError {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        switch code {
        case ENOENT, ENOTDIR:
            return RPCServerError(
                .folderMissing,
                "folder '\(folder)' of socket '\(path)' does not exist: make it (mkdir -p '\(folder)'), "
                    + "or choose another socket path")
        case EACCES, EPERM, EROFS:
            return RPCServerError(
                .notWritable,
                "folder '\(folder)' of socket '\(path)' cannot be written (\(UnixSocket.message(code))): give this user the "
                    + "right to, or choose another socket path")
        default:
            return RPCServerError(.system, "cannot open socket '\(path)': \(UnixSocket.message(code))")
        }
    }
}
