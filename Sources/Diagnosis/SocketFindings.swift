import Foundation
import HTTPServer
import RESP
import Settings

#if canImport(Glibc)
    import Glibc
#endif

/// Where clients come in: the socket of the RPC, and the address of HTTP.
struct SocketFindings {
    private let configuration: Configuration
    private let daemon: RunningDaemon
    private let version: String

    init(_ configuration: Configuration, daemon: RunningDaemon, version: String) {
        self.configuration = configuration
        self.daemon = daemon
        self.version = version
    }

    var all: [Finding] { [daemon.isThere ? running : place(configuration.socketPath, "socket")] + http }

    private var running: Finding {
        let path = configuration.socketPath
        let found =
            "a daemon answers at '\(path)': version \(daemon.version), process "
            + "\(daemon.number("server.pid").map(String.init) ?? "unknown")"
        guard ["", version].contains(daemon.version) else {
            return .warning(
                "socket", found + ", and this program is \(version)", "restart the daemon to take the new one"
            )
        }
        return .ok("socket", found)
    }

    /// Where nobody answers yet.
    private func place(_ path: String, _ subject: String) -> Finding {
        guard UnixSocket.address(of: path) != nil else {
            return .error(
                subject,
                "the path '\(path)' has \(path.utf8.count) bytes, and a socket's holds at most \(UnixSocket.pathBytesMax)",
                "set rpc.socket to a shorter one, say /run/freshet/freshet.sock")
        }
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else {
                return .error(
                    subject, "'\(path)' exists and is no socket", "remove it, or name another place")
            }
            if isListenedOn(path) {
                let why = daemon.refusal ?? "it does not answer"
                return .warning(
                    subject, "something listens at '\(path)': \(why)",
                    "look what it is: ss -xlp; for a password set rpc.password")
            }
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: folder) else {
            let isMade = folder == URL(filePath: configuration.state.folder).path
            return isMade
                ? .ok(subject, "'\(path)', free")
                : .error(subject, "the folder of '\(path)' does not exist", "make it, or name another place")
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            return .error(
                subject, "user \(NSUserName()) may not make a socket in '\(folder)'",
                "give the folder to the daemon's user, or name another place")
        }
        return .ok(subject, "'\(path)', free")
    }

    private func isListenedOn(_ path: String) -> Bool {
        guard var address = UnixSocket.address(of: path) else { return false }
        let probe = UnixSocket.open()
        guard probe >= 0 else { return false }
        defer { close(probe) }
        return UnixSocket.withAddress(&address) { connect(probe, $0, $1) } == 0 || errno == EAGAIN
    }

    // MARK: - HTTP

    private var http: [Finding] {
        var findings: [Finding] = []
        if !configuration.http.socket.isEmpty, !daemon.isThere {
            findings.append(place(configuration.http.socket, "http"))
        }
        switch HTTPServerOptions.Listen(configuration.http.listen) {
        case .off?, nil: findings.append(.ok("http", "turned off: no metrics, no dashboard"))
        case .auto?:
            let standard = HTTPServerOptions.standardPort
            findings.append(
                daemon.isThere || isFree(port: standard)
                    ? .ok(
                        "http",
                        "\(HTTPServerOptions.standardHost):\(standard), or a free port where another has that"
                    )
                    : .warning(
                        "http",
                        "another program has port \(standard); the daemon would take a port by chance",
                        "set http.listen to an address of your own, so that Prometheus finds it"))
        case .address(let host, let port)?:
            findings.append(
                daemon.isThere || port == 0 || isFree(port: port)
                    ? .ok("http", "\(host):\(port)")
                    : .error(
                        "http", "another program has port \(port)",
                        "stop that one (ss -tlp), or set http.listen to another"))
        }
        return findings
    }

    private func isFree(port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // Without the right to a low port nothing is known.
        return bound == 0 || errno != EADDRINUSE
    }
}
