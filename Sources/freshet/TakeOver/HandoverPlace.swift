import Foundation
import RESP

#if canImport(Glibc)
    import Glibc
#endif

/// The socket in the state's folder at which a daemon lets another one take over.
enum HandoverPlace {
    private static func path(_ folder: String) -> String { folder + "/take-over.sock" }

    /// Whoever may write in the folder may take over. Its lock is held, so that what stands there is nobody's.
    static func listen(in folder: String) throws(HandoverError) -> CInt {
        let path = path(folder)
        guard var address = UnixSocket.address(of: path) else {
            throw HandoverError("the path '\(path)' is too long for a socket")
        }
        unlink(path)
        let descriptor = makeSocket()
        guard descriptor >= 0 else { throw HandoverError(String(cString: strerror(errno))) }
        fchmod(descriptor, 0o600)
        guard UnixSocket.withAddress(&address, { bind(descriptor, $0, $1) }) == 0,
            Glibc.listen(descriptor, 1) == 0
        else {
            let why = String(cString: strerror(errno))
            close(descriptor)
            throw HandoverError("'\(path)': \(why)")
        }
        return descriptor
    }

    static func connect(in folder: String) throws(HandoverError) -> HandoverWire {
        let path = path(folder)
        guard var address = UnixSocket.address(of: path) else {
            throw HandoverError("the path '\(path)' is too long for a socket")
        }
        let descriptor = makeSocket()
        guard descriptor >= 0 else { throw HandoverError(String(cString: strerror(errno))) }
        guard UnixSocket.withAddress(&address, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let why = String(cString: strerror(errno))
            close(descriptor)
            throw HandoverError(
                "no daemon lets '\(path)' be taken over (\(why)); start without --take-over where none runs")
        }
        return HandoverWire(descriptor)
    }

    static func remove(from folder: String) { unlink(path(folder)) }

    /// One that blocks.
    private static func makeSocket() -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }
}
