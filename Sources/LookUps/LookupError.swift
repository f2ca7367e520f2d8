/// A request that cannot be answered. `code` is the first word of the RPC's error.
public struct LookupError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case invalid = "ERR"
        case noUser = "NOUSER"
        case noItem = "NOITEM"
        case noModel = "NOMODEL"
        case stale = "STALE"
        case overloaded = "OVERLOADED"
        /// The log or the disk refused; what was asked has not happened.
        case unavailable = "UNAVAILABLE"
        /// Another daemon of the group has the user; the message says where it is asked.
        case moved = "MOVED"
        /// The user is between two daemons.
        case tryAgain = "TRYAGAIN"
    }
    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue) \(message)" }
}
