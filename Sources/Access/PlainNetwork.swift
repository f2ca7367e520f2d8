#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Where TCP without TLS may be spoken: a password is seen by whoever sees the wire.
public enum PlainNetwork: String, Sendable, CaseIterable {
    /// This machine: 127.0.0.0/8, ::1.
    case loopback
    /// Networks that the Internet does not reach, too: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, fc00::/7,
    /// fe80::/10.
    case `private`

    /// - Parameter address: as digits, IPv4 or IPv6; names are in no network.
    public func contains(_ address: String) -> Bool {
        if let bytes = Self.bytes(address, AF_INET, 4) { return contains(version4: bytes) }
        guard let bytes = Self.bytes(address, AF_INET6, 16) else { return false }
        // IPv4 in an IPv6 socket.
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return contains(version4: Array(bytes[12...]))
        }
        if bytes[..<15].allSatisfy({ $0 == 0 }), bytes[15] == 1 { return true }
        return self == .private && (bytes[0] & 0xFE == 0xFC || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80))
    }

    private func contains(version4 bytes: [UInt8]) -> Bool {
        if bytes[0] == 127 { return true }
        guard self == .private else { return false }
        switch (bytes[0], bytes[1]) {
        case (10, _), (172, 16...31), (192, 168), (169, 254): return true
        default: return false
        }
    }

    private static func bytes(_ text: String, _ family: CInt, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
