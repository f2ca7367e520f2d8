public import Access
public import ArgumentParser
import Foundation
import Reporting

struct PasswordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password",
        abstract: "Makes a line of access.users-file: a name, its role and a hash of its password.",
        discussion: """
            The password is asked for on a terminal, and read from standard input elsewhere (one line). It stands in no \
            command line and in no file but the one that --generate names.

            EXAMPLES
              freshet password dashboard --role read >> /etc/freshet/users
              freshet password shop --role feed --generate shop.password >> /etc/freshet/users
              chown root:freshet /etc/freshet/users && chmod 640 /etc/freshet/users && systemctl reload freshet
              freshet recommend u42 --user dashboard --password-file dashboard.password

            A name may stand in several lines: each of its passwords is right, so that a new one can be handed out before \
            the old line is taken away.
            """)

    @Argument(help: "1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'.") var name: String
    @Option(help: "read asks; feed appends events too; admin does all.") var role: Role
    @Option(
        help: ArgumentHelp(
            "Make a password of 256 random bits, and write it to this new file, for its owner alone.",
            valueName: "file"))
    var generate: String?

    func validate() throws {
        guard UserFile.isName(name) else {
            throw ValidationError("the name is '\(name)'; allowed is \(UserFile.allowedName)")
        }
    }

    func run() throws {
        do {
            let password = try generate.map(Self.generated) ?? PasswordInput.read()
            guard let hash = PasswordHash.make(of: password) else {
                throw CommandError(
                    "the password is empty, or longer than \(PasswordHash.passwordBytesMax) bytes",
                    code: .data)
            }
            Terminal.write(UserFile.line(name: name, role: role, hash: hash))
        } catch let error as CommandError {
            throw error.report()
        }
    }

    private static func generated(_ path: String) throws(CommandError) -> String {
        var numbers = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &numbers) }
        let password = Data(bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandError(
                "cannot make '\(path)': \(String(cString: strerror(errno)))", code: .cannotCreate)
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data((password + "\n").utf8))
        } catch {
            throw CommandError("cannot write '\(path)': \(error)", code: .cannotCreate)
        }
        return password
    }
}

extension Role: ExpressibleByArgument {}

/// A password from whoever is there.
private enum PasswordInput {
    static func read() throws(CommandError) -> String {
        guard isatty(STDIN_FILENO) == 1 else { return try line() }
        let password = try unseen("Password: ")
        guard try unseen("Once more: ") == password else {
            throw CommandError("the two are not the same", code: .data)
        }
        return password
    }

    private static func line() throws(CommandError) -> String {
        guard let line = readLine() else { throw CommandError("no password came", code: .data) }
        return line
    }

    /// Without showing it.
    private static func unseen(_ prompt: String) throws(CommandError) -> String {
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        let before = settings
        settings.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        var shown = before
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
            Terminal.writeError("")
        }
        FileHandle.standardError.write(Data(prompt.utf8))
        return try line()
    }
}
