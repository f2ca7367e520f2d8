package import NIOCore
internal import NIOSSL

/// The client's side of TLS.
public final class ClientSecurity: Sendable {
    private let context: NIOSSLContext

    /// Reads what is named. Takes milliseconds where the system's authorities are.
    ///
    /// - Parameters:
    ///   - authorities: path of the certificates of those who sign servers' certificates; `nil` for those of the system.
    ///   - identity: what is shown to a server that asks for a certificate.
    public init(authorities: String? = nil, identity: TLSFiles? = nil) throws(TransportSecurityError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities { configuration.trustRoots = .certificates(try PEMFile.certificates(authorities)) }
        if let identity {
            let chain = try PEMFile.certificates(identity.certificate)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try PEMFile.key(identity.key))
        }
        context = try PEMFile.context(configuration, identity?.certificate ?? "", identity?.key ?? "")
    }

    /// Puts TLS first into the pipeline of a connection. On its event loop.
    ///
    /// - Parameter host: a name that the certificate must have; of an address in digits the certificate must have that.
    package func secure(_ channel: any Channel, to host: String) throws {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host))
    }
}
