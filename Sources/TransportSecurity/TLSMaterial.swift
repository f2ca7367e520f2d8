internal import Access
public import Foundation
package import NIOSSL

#if canImport(Glibc)
    internal import Glibc
#endif

/// A certificate with its key, read, checked and ready for connections.
public struct TLSMaterial: Sendable {
    package let context: NIOSSLContext
    /// When the first certificate of the chain ends.
    public let ends: Date

    /// Reads and checks the files.
    ///
    /// - Parameters:
    ///   - protocols: what is spoken over it, as ALPN names it; nothing for what has no name there.
    ///   - time: at which the certificates have to hold.
    /// - Throws: where a file is missing or no PEM, the key is open to others or not the certificate's, or a certificate
    ///   does not hold yet or no longer.
    public init(
        _ files: TLSFiles, protocols: [String] = [], at time: Date = Date()
    ) throws(TransportSecurityError) {
        let (chain, ends) = try PEMFile.chain(files.certificate, at: time)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(try PEMFile.key(files.key)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = protocols
        if let authorities = files.clientAuthorities {
            configuration.trustRoots = .certificates(try PEMFile.certificates(authorities))
            configuration.certificateVerification = .noHostnameVerification
        }
        self.ends = ends
        context = try PEMFile.context(configuration, files.certificate, files.key)
    }
}

/// Reads PEM files.
enum PEMFile {
    private static let bytesMax = 1 << 20

    /// - Returns: also when the first of them ends.
    static func chain(
        _ path: String, at time: Date
    ) throws(TransportSecurityError) -> ([NIOSSLCertificate], Date) {
        let chain = try certificates(path)
        var ends = Date.distantFuture
        for (index, certificate) in chain.enumerated() {
            let which = index == 0 ? "the certificate in '\(path)'" : "certificate \(index + 1) in '\(path)'"
            let (from, to) = (
                Date(timeIntervalSince1970: Double(certificate.notValidBefore)),
                Date(timeIntervalSince1970: Double(certificate.notValidAfter))
            )
            guard time <= to else {
                throw TransportSecurityError("\(which) ended at \(text(to)): have it made anew")
            }
            guard time >= from else {
                throw TransportSecurityError(
                    "\(which) does not hold before \(text(from)): is this machine's clock right?")
            }
            ends = min(ends, to)
        }
        return (chain, ends)
    }

    static func certificates(_ path: String) throws(TransportSecurityError) -> [NIOSSLCertificate] {
        let bytes: [UInt8]
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            bytes = Array(try handle.read(upToCount: bytesMax) ?? Data())
        } catch {
            let why = errno == 0 ? "\(error)" : String(cString: strerror(errno))
            throw TransportSecurityError("'\(path)' cannot be read: \(why)")
        }
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw TransportSecurityError(
                "'\(path)' holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
        }
        return certificates
    }

    static func key(_ path: String) throws(TransportSecurityError) -> NIOSSLPrivateKey {
        let bytes: [UInt8]
        do throws(UserFile.Failure) {
            bytes = try PrivateFile.read(path)
        } catch {
            throw TransportSecurityError("key '\(path)': \(error)")
        }
        guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
            throw TransportSecurityError(
                "'\(path)' holds no private key in PEM, or one with a passphrase, which cannot be asked for: take that off "
                    + "(openssl pkey -in … -out …)")
        }
        return key
    }

    static func context(
        _ configuration: TLSConfiguration, _ certificate: String, _ key: String
    ) throws(TransportSecurityError) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TransportSecurityError(
                "the key in '\(key)' does not fit the first certificate in '\(certificate)': name the two that were made "
                    + "together, the server's own certificate first")
        }
    }

    static func text(_ date: Date) -> String { date.formatted(.iso8601) }
}
