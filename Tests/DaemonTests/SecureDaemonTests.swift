import Foundation
import RESP
import TestSupport
import Testing

@Suite("a daemon with TLS", .serialized, .ownThread)
struct SecureDaemonTests {
    private let place: DaemonPlace
    private let file: String
    private let authority: String
    private let password: String

    init() throws {
        place = try DaemonPlace()
        file = place.folder.path("freshet.yaml")
        authority = try TestCertificate.authority.write(to: place.folder.path).certificate
        password = place.folder.path("password")
        try "secret\n".write(toFile: password, atomically: true, encoding: .utf8)
        chmod(password, 0o600)
    }

    private func show(_ certificate: TestCertificate) throws -> (certificate: String, key: String) {
        try certificate.write(to: place.folder.path, as: "shown")
    }

    private func status(_ address: String) throws -> (
        ending: Ending, output: String, errors: String
    ) {
        try FreshetBinary.run(
            [
                "status", "--json", "--socket", address, "--ca", authority, "--password-file", password,
            ], in: place.folder)
    }

    @Test(
        "it starts with no certificate that has ended; commands come in over TLS, and SIGHUP shows a new one")
    func renewed() throws {
        var (certificate, key) = try show(.expired)
        try """
        rpc: {listen: "127.0.0.1:0", password: secret, tls: {certificate: \(certificate), key: \(key)}}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        let refused = try place.launch(file: file)
        #expect(try refused.child.wait() == .exit(78))
        #expect(refused.errors.contains("rpc.tls: the certificate in '\(certificate)' ended at 2021"))

        (certificate, key) = try show(.elsewhere)
        let daemon = try place.launch(file: file)
        try eventually("it listens: \(daemon.errors)") { daemon.errors.contains(" ready") }
        let mark = " address=127.0.0.1:"
        let line = try #require(daemon.errors.components(separatedBy: mark).dropFirst().first)
        let address = "tls://localhost:" + line.prefix { $0.isNumber }
        let other = try status(address)
        #expect(other.ending != .exit(0))
        #expect(other.errors.contains("is of another name"), "\(other.errors)")

        _ = try show(.server)
        daemon.child.send(SIGHUP)
        try eventually("it was read again: \(daemon.errors)") {
            daemon.errors.contains("configuration read again")
        }
        let known = try status(address)
        #expect(known.ending == .exit(0), "\(known.errors)")
        let unknown = try FreshetBinary.run(
            ["status", "--socket", address, "--password-file", password], in: place.folder)
        #expect(unknown.errors.contains("signed by nobody who is known here"), "\(unknown.errors)")
    }
}
