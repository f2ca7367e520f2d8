import ArgumentParser
import Foundation
import RESP
import TransportSecurity

/// Who a client says it is. No flag takes a password: it would show it to everybody on the machine.
struct CredentialOptions: ParsableArguments {
    @Option(help: "Name to come in by, of those in the daemon's access.users-file.")
    var user = "default"

    @Option(
        help: ArgumentHelp(
            "File whose first line is the password; else FRESHET_RPC_PASSWORD. Others may not read it.",
            valueName: "path"))
    var passwordFile: String?

    @Option(
        help: ArgumentHelp(
            "With tls://: file of the authorities, in PEM, that know the daemon's certificate; else FRESHET_RPC_TLS_CA, else the "
                + "system's.", valueName: "path"))
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "With tls://: certificate in PEM to show to a daemon that asks for one (rpc.tls.client-ca).",
            valueName: "path"))
    var certificate: String?

    @Option(help: ArgumentHelp("The private key of --certificate.", valueName: "path"))
    var key: String?

    func validate() throws {
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--certificate and --key go together")
        }
    }

    /// How a daemon is come to over TLS; `nil` where the address is none of TLS.
    ///
    /// - Parameter configured: authorities where no flag names them.
    func way(
        to address: String, configured: String?
    ) throws(TransportSecurityError) -> (any ClientWay)? {
        guard ClientAddress(address)?.isSecure == true else { return nil }
        let identity = certificate.flatMap { certificate in
            key.map { TLSFiles(certificate: certificate, key: $0) }
        }
        let authorities = ca ?? configured.flatMap { $0.isEmpty ? nil : $0 }
        return SecureWay(try ClientSecurity(authorities: authorities, identity: identity))
    }

    /// - Returns: `nil` where none is given.
    func password(environment: [String: String]) throws(PasswordFileError) -> String? {
        guard let passwordFile else {
            return environment["FRESHET_RPC_PASSWORD"].flatMap { $0.isEmpty ? nil : $0 }
        }
        var status = stat()
        guard stat(passwordFile, &status) == 0,
            let text = try? String(contentsOfFile: passwordFile, encoding: .utf8)
        else {
            throw PasswordFileError(
                description:
                    "--password-file '\(passwordFile)' cannot be read: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & 0o007 == 0 else {
            throw PasswordFileError(
                description:
                    "--password-file '\(passwordFile)' may be used by others: chmod 600 \(passwordFile)")
        }
        let line = text.prefix { !$0.isNewline }
        guard !line.isEmpty else {
            throw PasswordFileError(description: "--password-file '\(passwordFile)' has no first line")
        }
        return String(line)
    }
}

struct PasswordFileError: Error, Equatable, CustomStringConvertible {
    let description: String
}
