internal import NIOSSL

/// Why two did not agree on TLS, for people.
enum TLSFailure {
    private static let known: [(mark: String, words: String)] = [
        ("CERTIFICATE_VERIFY_FAILED", "the certificate is signed by nobody who is known here, or has ended"),
        ("UNKNOWN_CA", "the other side does not know who signed the certificate"),
        ("CERTIFICATE_EXPIRED", "the other side finds the certificate ended"),
        ("BAD_CERTIFICATE", "the other side does not take the certificate"),
        ("CERTIFICATE_REQUIRED", "the other side wants a certificate of its client"),
        (
            "PEER_DID_NOT_RETURN_A_CERTIFICATE",
            "no certificate came, and rpc.tls.client-ca or http.tls.client-ca asks for one"
        ),
        ("HTTP_REQUEST", "plain HTTP came"),
        ("WRONG_VERSION_NUMBER", "what came is no TLS"),
        ("UNSUPPORTED_PROTOCOL", "the version of TLS is below 1.2"),
        ("PROTOCOL_VERSION", "the version of TLS is below 1.2"),
        ("NO_SHARED_CIPHER", "there is no cipher that both have"),
        ("EOF during handshake", "the connection ended before it was agreed on"),
    ]

    static func words(_ error: any Error) -> String {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "the certificate is of another name"
        }
        let text = "\(error)"
        if let found = known.first(where: { text.contains($0.mark) }) { return found.words }
        return String(text.filter { !$0.isNewline }.prefix(200))
    }
}
