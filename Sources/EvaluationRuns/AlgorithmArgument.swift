import Reporting
import Settings

/// `name` or `name:key=value,key=value`, as `--algorithm` takes it, say `bpr:factors=32,epochs=20`.
public struct AlgorithmArgument: Equatable, Sendable {
    /// As it was given; it stands so in the report.
    public let text: String
    /// What stands before the colon.
    public let name: String
    /// In the order given; looked at only once the algorithm is made.
    public let settings: [(key: String, value: String)]

    /// `nil` where it has not that form, whatever the name and the keys are.
    public init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { return nil }
        var settings: [(key: String, value: String)] = []
        if parts.count == 2 {
            for setting in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                let pair = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard pair.count == 2, !pair[0].isEmpty, !pair[1].isEmpty else { return nil }
                settings.append((String(pair[0]), String(pair[1])))
            }
        }
        self.text = argument
        self.name = String(name)
        self.settings = settings
    }

    /// Alike to the letter.
    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
}

/// Takes the settings of one algorithm out of its argument, and refuses what is left.
struct SettingsReader {
    private let argument: AlgorithmArgument
    private var left: [String: String] = [:]
    /// Keys asked for, in the order of asking: what an unknown key might have been.
    private var allowed: [String] = []

    /// - Throws: `CommandError` for a key given twice.
    init(_ argument: AlgorithmArgument) throws {
        self.argument = argument
        for (key, value) in argument.settings {
            guard left.updateValue(value, forKey: key) == nil else {
                throw Self.refusal(argument, "'\(key)' is given twice")
            }
        }
    }

    mutating func take<Value>(
        _ key: String, _ allowedValues: String, parse: (String) -> Value?
    ) throws -> Value? {
        allowed.append(key)
        guard let text = left.removeValue(forKey: key) else { return nil }
        guard let value = parse(text) else {
            throw Self.refusal(argument, "'\(key)' is \(text), allowed is \(allowedValues)")
        }
        return value
    }

    mutating func number(_ key: String, _ range: ClosedRange<Double>) throws -> Double? {
        let bounds = [range.lowerBound, range.upperBound].map(ConfigurationText.number)
        return try take(key, "a number from \(bounds[0]) to \(bounds[1])") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    mutating func integer(_ key: String, _ range: ClosedRange<Int>, multipleOf step: Int = 1) throws -> Int? {
        let steps = step == 1 ? "" : ", a multiple of \(step)"
        return try take(key, "an integer from \(range.lowerBound) to \(range.upperBound)\(steps)") { text in
            Int(text).flatMap { range.contains($0) && $0.isMultiple(of: step) ? $0 : nil }
        }
    }

    /// To be called last. - Throws: `CommandError` for a key that nobody took; it names those allowed.
    func finish() throws {
        guard let (key, value) = left.min(by: { $0.key < $1.key }) else { return }
        let choices = allowed.joined(separator: ", ")
        guard ModelField.named(key) == nil else {
            throw Self.refusal(
                argument, "'\(key)' is \(value), but \(argument.name) has no '\(key)'; it has \(choices)")
        }
        throw Self.refusal(argument, "unknown setting '\(key)' of \(argument.name), allowed is \(choices)")
    }

    static func refusal(_ argument: AlgorithmArgument, _ what: String) -> CommandError {
        CommandError("--algorithm \(argument.text): \(what)", code: .usage)
    }
}
