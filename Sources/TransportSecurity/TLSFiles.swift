// TransportSecurity: TLS for what comes over TCP.
//
// Here live certificates and keys as files, what is checked of them, the server's side of a listener, and the client's
// side: of another daemon's link, and of a command. Paths come in; handlers of NIO's pipelines, and for a command a
// descriptor, go out. What never comes in: what is said over the connection. It alone knows BoringSSL.

/// The files that a listener's TLS is made of, all PEM.
public struct TLSFiles: Sendable, Equatable {
    /// The certificate that is shown, then those between it and a known authority.
    public var certificate: String
    /// Its private key, without a passphrase. Others may not read it.
    public var key: String
    /// Authorities one of which must have signed a client's certificate; `nil` asks clients for none.
    public var clientAuthorities: String?

    /// Paths.
    public init(certificate: String, key: String, clientAuthorities: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientAuthorities = clientAuthorities
    }
}

/// What is wrong with the files of a certificate; names the file and what to do, and holds nothing of a key.
public struct TransportSecurityError: Error, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
