internal import Learners
internal import State

extension HalfLife {
    static let allowed = "'never', 'N events' or a time as '15 min' (ms, s, min, h, d)"

    /// `nil` for what is not allowed.
    init?(configured text: String) {
        let words = text.split(separator: " ")
        if text == "never" || text == "0" {
            self = .never
        } else if words.count <= 2, words.count == 1 || words.last == "events", let first = words.first,
            let events = Double(first), events > 0, events <= 1e12
        {
            self = .events(events)
        } else if let milliseconds = DurationText.milliseconds(text) {
            self = .milliseconds(milliseconds)
        } else {
            return nil
        }
    }

    /// As it would stand in the file.
    var configured: String {
        switch self {
        case .never: "never"
        case .events(let events): "\(ConfigurationText.number(events)) events"
        case .milliseconds(let length): DurationText.text(milliseconds: length)
        }
    }
}
