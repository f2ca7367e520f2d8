import Foundation

/// Why a command's work cannot go on: a message for whoever started it, and the code that the process exits with.
///
/// ```swift
/// throw CommandError("--output \(path) is a folder; name a file in it", code: .cannotCreate)
/// ```
public struct CommandError: Error, CustomStringConvertible {
    /// Codes of sysexits.h where one fits.
    public enum Code: Int32, Sendable {
        case failure = 1
        /// All is done, but lines of the input were no events and were passed over.
        case passedOver = 2
        /// The arguments do not go together.
        case usage = 64
        /// The input is not what it should be.
        case data = 65
        /// The input is there, and may not or cannot be read.
        case cannotRead = 66
        /// The daemon or the broker is not there.
        case unavailable = 69
        /// A file or folder cannot be made or written.
        case cannotCreate = 73
        /// Another freshet is at work there.
        case inUse = 75
        case configuration = 78
    }

    /// What is wrong and what to do about it, without the program's name in front; may have several lines.
    public let message: String
    /// What the process exits with.
    public let code: Code

    /// - Parameters:
    ///   - message: what is wrong, with the value found and what is allowed.
    ///   - code: what the process exits with.
    public init(_ message: String, code: Code = .failure) {
        self.message = message
        self.code = code
    }

    /// The message.
    public var description: String { message }
}

/// Words for `errno`, say `Permission denied`; to be asked right after the call that failed.
public func errorText() -> String { String(cString: strerror(errno)) }
