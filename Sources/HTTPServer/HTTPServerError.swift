/// Why the HTTP server cannot start. The message names the key, its value and what to do.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    public let message: String

    public var description: String { message }

    init(_ message: String) { self.message = message }
}
