import ArgumentParser
import Foundation

/// Who a client says it is. No flag takes a password: it would show it to everybody on the machine.
struct CredentialOptions: ParsableArguments {
    @Option(help: "Name to come in by, of those in the daemon's access.users-file.")
    var user = "default"

    @Option(
        help: ArgumentHelp(
            "File whose first line is the password; else FRESHET_RPC_PASSWORD. Others may not read it.",
            valueName: "path"))
    var passwordFile: String?

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
