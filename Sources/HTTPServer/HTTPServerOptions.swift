public import Access
public import Engine
public import TransportSecurity

/// How the HTTP server listens, and what one client may take of it.
public struct HTTPServerOptions: Sendable {
    /// Where it listens over TCP.
    public enum Listen: Sendable, Equatable {
        case off
        /// Loopback, at the standard port or, where another has that, at one that the system gives.
        case auto
        /// At this address alone; port 0 lets the system choose.
        case address(host: String, port: Int)
    }

    /// What `auto` takes where it is free.
    public static let standardHost = "127.0.0.1"
    public static let standardPort = 8420

    public var listen = Listen.auto
    /// With which TCP is sealed: what is spoken there is then HTTPS alone.
    public var security: ServerSecurity?
    /// Path of a Unix socket to listen on too; `nil` for none.
    public var socketPath: String?
    /// What a request may bring as `Authorization: Bearer …` to do all; `nil` lets in whoever may come in without a name.
    public var token: String?
    /// Who may come in beside whoever has the token, and how much they may ask.
    public var access = AccessControl()
    /// Events behind the log beyond which `/readyz` says no.
    public var readyLagMax = 100_000
    public var connectionsMax = 256
    /// Of a body.
    public var requestBytesMax = 4 << 20
    /// From the first byte of a request to its last.
    public var requestTimeout: Duration = .seconds(30)
    /// A client that takes nothing of what is sent to it for this long is closed.
    public var answerTimeout: Duration = .seconds(30)
    /// Between two requests.
    public var idleTimeout: Duration = .seconds(75)
    /// Threads for look-ups.
    public var lookupThreads = 2
    /// Whoever has the page open, or follows `/v1/stream`.
    public var viewersMax = 64
    /// File that keeps the dashboard's curves over restarts; `nil` for none.
    public var curvesPath: String?
    public var version = "0.1.0"
    /// What other servers of the daemon tell of themselves; as fields of STATUS.
    public var otherStatus: @Sendable () -> [StatusField] = { [] }

    public init() {}

    /// Of what is served over TCP.
    var scheme: String { security == nil ? "http" : "https" }
}

extension HTTPServerOptions.Listen {
    public static let allowed = "auto, host:port, [IPv6]:port, or nothing to turn it off"

    /// - Parameter text: `auto`, empty, or an address; `nil` for anything else.
    public init?(_ text: String) {
        switch text {
        case "": self = .off
        case "auto": self = .auto
        default:
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port)
            else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                return nil
            }
            guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { return nil }
            self = .address(host: String(host), port: port)
        }
    }
}
