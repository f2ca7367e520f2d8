/// Whether what a user took may be recommended again.
public enum SeenRule: Sendable, Equatable {
    case exclude
    case allow
    /// Once so many milliseconds have passed since it was last taken.
    case after(Int64)

    /// Whether the rule keeps an item out that was last taken at `taken`, at the time `now`.
    @inline(__always)
    package func keepsOut(taken: Int64, now: Int64) -> Bool {
        switch self {
        case .exclude: true
        case .allow: false
        case .after(let wait): now - taken < wait
        }
    }
}

extension SeenRule {
    /// In words, for messages.
    public static let allowed = "'exclude', 'allow' or 'after' and a time, say 'after 3 d' (ms, s, min, h, d)"

    /// `nil` for what is not allowed.
    public init?(_ text: String) {
        switch text {
        case "exclude": self = .exclude
        case "allow": self = .allow
        default:
            guard text.hasPrefix("after"), let wait = DurationText.milliseconds(String(text.dropFirst(5)))
            else { return nil }
            self = .after(Int64(wait))
        }
    }

    /// As it would stand in the file.
    public var text: String {
        switch self {
        case .exclude: "exclude"
        case .allow: "allow"
        case .after(let wait): "after \(DurationText.text(milliseconds: Double(wait)))"
        }
    }
}
