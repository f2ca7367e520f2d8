/// Where a daemon is found over TCP: `tcp://host:port`; with TLS `tls://host:port` or, as Redis calls it,
/// `rediss://host:port`. An IPv6 address stands in brackets.
public struct ClientAddress: Sendable, Equatable {
    public static let allowed = "tcp://host:port or tls://host:port"

    public var host: String
    public var port: Int
    public var isSecure: Bool

    /// - Returns: `nil` where the text is no such address, a path say.
    public init?(_ text: String) {
        let schemes = [("tcp://", false), ("tls://", true), ("rediss://", true)]
        guard let (scheme, isSecure) = schemes.first(where: { text.hasPrefix($0.0) }) else { return nil }
        let place = text.dropFirst(scheme.count)
        guard let colon = place.lastIndex(of: ":"), let port = UInt16(place[place.index(after: colon)...])
        else { return nil }
        var host = place[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        (self.host, self.port, self.isSecure) = (String(host), Int(port), isSecure)
    }
}

/// How a client comes to a daemon over TLS.
public protocol ClientWay: Sendable {
    /// - Returns: a descriptor of a stream that is the daemon's in the clear: connected, not blocking, closed on exec.
    func connect(to host: String, port: Int, timeout: Duration) throws(RPCClientError) -> CInt
}
