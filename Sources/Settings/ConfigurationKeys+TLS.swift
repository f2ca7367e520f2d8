extension ConfigurationKey {
    static let tls: [ConfigurationKey] = [
        file(
            "rpc.tls.certificate", \.rpc.tls.certificate,
            "Certificate in PEM, with those between it and its authority, by which rpc.listen speaks TLS, 1.2 or later, and "
                + "nothing else. Nothing for no TLS. The file is read again with SIGHUP."),
        file(
            "rpc.tls.key", \.rpc.tls.key,
            "Its private key in PEM, without a passphrase; others may not read it, nor its group write it."),
        file(
            "rpc.tls.client-ca", \.rpc.tls.clientCA,
            "Authorities in PEM, one of which must have signed the certificate that each client then has to show; nothing "
                + "asks for none. Name and password are asked for all the same."),
        file(
            "rpc.tls.ca", \.rpc.tls.authorities,
            "Authorities in PEM by which the other daemons of a cluster, and the commands that ask over tls://, know a "
                + "daemon's certificate; nothing takes the system's."),
        file(
            "http.tls.certificate", \.http.tls.certificate,
            "The same as rpc.tls.certificate for http.listen, which then speaks HTTPS alone."),
        file("http.tls.key", \.http.tls.key, "The same as rpc.tls.key."),
        file("http.tls.client-ca", \.http.tls.clientCA, "The same as rpc.tls.client-ca."),
    ]

    private static func file(_ name: String, _ path: Path<String>, _ summary: String) -> Self {
        text(name, path, allowed: "a path, or nothing", summary, where: { !$0.utf8.contains(0) })
    }
}
