import ArgumentParser
import Foundation

/// What a command says on standard error before it exits with a failure.
struct CommandError: Error, CustomStringConvertible {
    /// Codes of sysexits.h where one fits.
    enum Code: Int32 {
        case failure = 1
        /// The arguments do not go together.
        case usage = 64
        /// The input is not what it should be.
        case data = 65
        /// The daemon or the broker is not there.
        case unavailable = 69
        /// A file or folder cannot be made or written.
        case cannotCreate = 73
        /// Another freshet is at work there.
        case inUse = 75
        case configuration = 78
    }

    let message: String
    let code: Code

    init(_ message: String, code: Code = .failure) {
        self.message = message
        self.code = code
    }

    var description: String { message }

    /// Says it, and gives what to throw out of `run`.
    func report() -> ExitCode {
        Terminal.writeError("freshet: \(message)")
        return ExitCode(code.rawValue)
    }
}

/// Words for `errno`.
func errorText() -> String { String(cString: strerror(errno)) }
