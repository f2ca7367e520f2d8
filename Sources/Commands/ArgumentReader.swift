import EventLog
import Events
import RESP
internal import State

/// Reads a command's arguments one by one. Each error says which argument, the value found, what is allowed, and the
/// command's usage.
struct ArgumentReader {
    static let countRange = 1...10_000
    /// Ten minutes; a wait holds a place in the connection's queue.
    static let timeoutRange = 0...600_000

    let request: RESPRequest
    private let command: Command
    private var index: Int
    /// Option words read so far.
    private var given: [String] = []

    init(_ request: RESPRequest, of command: Command) {
        self.request = request
        self.command = command
        index = command.container == nil ? 1 : 2
    }

    var isAtEnd: Bool { index >= request.count }
    var wordsLeft: Int { request.count - index }

    /// The next argument as it came.
    mutating func bytes(_ name: String) throws(CommandError) -> ArraySlice<UInt8> {
        guard !isAtEnd else { throw error("\(name) is missing") }
        defer { index += 1 }
        return request[index]
    }

    /// The next argument as text.
    mutating func text(_ name: String) throws(CommandError) -> String {
        try text(of: bytes(name), name)
    }

    private func text(of bytes: ArraySlice<UInt8>, _ name: String) throws(CommandError) -> String {
        // Bytes below 128 are UTF-8 as they stand, and nearly all arguments have no others.
        if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw error("\(name) is not UTF-8")
        }
        return text
    }

    /// The next argument as the id of a user or an item.
    mutating func id(_ name: String) throws(CommandError) -> EntityID {
        let text = try text(name)
        do throws(EventError) {
            return try EntityID(text)
        } catch {
            throw self.error("\(name): \(error)")
        }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(CommandError) -> Int {
        let bytes = try bytes(name)
        guard let number = bytes.withUnsafeBytes(Int.init(decimal:)), range.contains(number) else {
            let text = try text(of: bytes, name)
            throw error(
                "\(name) is '\(Self.short(text))'; an integer from \(range.lowerBound) to \(range.upperBound) is allowed"
            )
        }
        return number
    }

    /// An integer of a command that Redis has, refused in Redis's words.
    mutating func redisInteger(
        _ name: String, orThrow error: CommandError = .notAnInteger
    ) throws(CommandError) -> Int {
        guard let number = try bytes(name).withUnsafeBytes(Int.init(decimal:)) else { throw error }
        return number
    }

    /// All that is left, as text.
    mutating func rest(_ name: String) throws(CommandError) -> [String] {
        var words: [String] = []
        while !isAtEnd { words.append(try text(name)) }
        return words
    }

    mutating func count() throws(CommandError) -> Int {
        try integer("COUNT", in: Self.countRange)
    }

    /// A time of an event, in milliseconds since 1970; read as the time of an event from the log is.
    /// - Parameter options: the unit of numbers, and the bounds.
    mutating func time(_ options: EventOptions) throws(CommandError) -> Int64 {
        let text = try text("TS")
        do throws(EventError) {
            return try options.time(text, field: "TS")
        } catch {
            throw self.error("\(error)")
        }
    }

    mutating func rating(_ name: String) throws(CommandError) -> Float {
        let text = try text(name)
        guard let value = Float(text), value.isFinite else {
            throw error("\(name) is '\(Self.short(text))'; a finite number is allowed")
        }
        return value
    }

    /// `exclude`, `allow` or `after` and a time, in one word or two.
    mutating func seenRule() throws(CommandError) -> SeenRule {
        var words = try text("SEEN").lowercased()
        if words == "after" { words += " " + (try text("SEEN after")) }
        guard let rule = SeenRule(words) else {
            throw error("SEEN is '\(Self.short(words))'; \(SeenRule.allowed) is allowed")
        }
        return rule
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(CommandError) -> Choice where Choice.RawValue == String {
        let text = try text(name)
        guard let choice = Choice(rawValue: text.lowercased()) else {
            let allowed = Choice.allCases.map(\.rawValue).joined(separator: " or ")
            throw error("\(name) is '\(Self.short(text))'; \(allowed) is allowed")
        }
        return choice
    }

    mutating func token(_ name: String) throws(CommandError) -> Token {
        let text = try text(name)
        guard let token = Token(text) else {
            throw error(
                "\(name) is '\(Self.short(text))'; a token such as 0:1234 is allowed, as RATE answers it")
        }
        return token
    }

    /// The rest of `AFTER token [TIMEOUT ms]`.
    mutating func after() throws(CommandError) -> Lookup.After {
        var after = Lookup.After(token: try token("AFTER"))
        if isNext("TIMEOUT") {
            index += 1
            after.timeout = .milliseconds(try integer("TIMEOUT", in: Self.timeoutRange))
        }
        return after
    }

    /// The next argument in upper case, to be compared with option words; `nil` at the end.
    mutating func keyword() throws(CommandError) -> String? {
        guard !isAtEnd else { return nil }
        return try text("option").uppercased()
    }

    /// The next option word in upper case; `nil` at the end. A word that the command does not let repeat is refused the
    /// second time: which of the two holds would be anybody's guess.
    mutating func option() throws(CommandError) -> String? {
        guard let word = try keyword() else { return nil }
        if !given.contains(word) {
            given.append(word)
        } else if !command.arguments.contains(where: { $0.token == word && $0.repeatsToken }) {
            throw error("\(Self.short(word)) is given twice")
        }
        return word
    }

    /// Whether the next argument is this option word, in whatever case.
    func isNext(_ word: String) -> Bool {
        guard !isAtEnd, request[index].count == word.utf8.count else { return false }
        return zip(request[index], word.utf8).allSatisfy { byte, letter in
            byte == letter || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) && byte - 0x20 == letter
        }
    }

    /// Whether the next argument is one of the command's option words.
    var isNextOption: Bool {
        command.arguments.contains { spec in
            (spec.token ?? spec.parts.first?.token).map(isNext) ?? false
        }
    }

    /// The argument just read is no option of this command.
    func unexpected(_ word: String) -> CommandError {
        error("unexpected '\(Self.short(word))'")
    }

    /// Throws if anything is left.
    mutating func end() throws(CommandError) {
        if let word = try keyword() { throw unexpected(word) }
    }

    func error(_ message: String) -> CommandError {
        .invalid("\(message); usage: \(command.usage)")
    }

    private static func short(_ text: String) -> String {
        text.count <= 64 ? text : text.prefix(64) + "..."
    }
}
