import Foundation

/// What a command says before it exits with a failure.
struct CommandError: Error, CustomStringConvertible {
    let message: String
    init(_ message: String) { self.message = message }
    var description: String { message }
}

/// Words for `errno`.
func errorText() -> String { String(cString: strerror(errno)) }
