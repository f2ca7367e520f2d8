public import TransportSecurity

extension Configuration.TLS {
    /// `nil` where there is to be no TLS.
    public var files: TLSFiles? {
        guard !certificate.isEmpty else { return nil }
        return TLSFiles(
            certificate: certificate, key: key, clientAuthorities: clientCA.isEmpty ? nil : clientCA)
    }
}

extension Configuration {
    /// Reads what seals `rpc.listen`.
    ///
    /// - Throws: `AccessConfigurationError` where a file is not as it has to be.
    public func rpcSecurity() throws(AccessConfigurationError) -> ServerSecurity? {
        try Self.security(rpc.tls, "rpc.tls", [])
    }

    /// The same of `http.listen`.
    public func httpSecurity() throws(AccessConfigurationError) -> ServerSecurity? {
        try Self.security(http.tls, "http.tls", ["http/1.1"])
    }

    private static func security(
        _ tls: TLS, _ section: String, _ protocols: [String]
    ) throws(AccessConfigurationError) -> ServerSecurity? {
        guard let files = tls.files else { return nil }
        do throws(TransportSecurityError) {
            return try ServerSecurity(files, protocols: protocols)
        } catch {
            throw AccessConfigurationError(description: "\(section): \(error)")
        }
    }

    /// How this daemon comes to the others of its group; `nil` where it does so in the clear. To those that ask for a
    /// certificate it shows its own.
    public func peerSecurity() throws(AccessConfigurationError) -> ClientSecurity? {
        guard let files = rpc.tls.files else { return nil }
        do throws(TransportSecurityError) {
            return try ClientSecurity(
                authorities: rpc.tls.authorities.isEmpty ? nil : rpc.tls.authorities, identity: files)
        } catch {
            throw AccessConfigurationError(description: "rpc.tls: \(error)")
        }
    }
}
