/// A file that cannot be read on: which one, and why.
public struct EventFileError: Error, Sendable, Equatable, CustomStringConvertible {
    public let path: String
    public let message: String

    public init(path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    public var description: String { "\(path == "-" ? "standard input" : path): \(message)" }
}

/// One line that is no event; the file goes on behind it.
public struct BadLine: Sendable, Equatable, CustomStringConvertible {
    public let path: String
    /// From 1.
    public let line: Int
    public let reason: String

    public var description: String { "\(path == "-" ? "standard input" : path):\(line): \(reason)" }
}
