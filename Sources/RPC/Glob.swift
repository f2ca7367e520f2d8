/// A pattern as Redis has them: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before what stands for itself.
struct Glob {
    private enum Part {
        case any
        case one
        case letter(Character)
        case range(Set<ClosedRange<Character>>, isNegated: Bool)
    }

    private var parts: [Part] = []

    init(_ pattern: String) {
        var rest = Substring(pattern)
        while let letter = rest.popFirst() {
            switch letter {
            case "*": parts.append(.any)
            case "?": parts.append(.one)
            case "[": parts.append(Self.range(from: &rest))
            case "\\": parts.append(.letter(rest.popFirst() ?? "\\"))
            default: parts.append(.letter(letter))
            }
        }
    }

    private static func range(from rest: inout Substring) -> Part {
        var ranges: Set<ClosedRange<Character>> = []
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        while let letter = rest.popFirst(), letter != "]" {
            guard rest.first == "-", let last = rest.dropFirst().first, last != "]" else {
                ranges.insert(letter...letter)
                continue
            }
            rest.removeFirst(2)
            ranges.insert(min(letter, last)...max(letter, last))
        }
        return .range(ranges, isNegated: isNegated)
    }

    /// Goes back at most to the last `*`, so that no pattern takes longer than its length times the text's.
    func matches(_ text: String) -> Bool {
        let letters = Array(text)
        var (part, letter) = (0, 0)
        var retry: (part: Int, letter: Int)?
        while letter < letters.count {
            if part < parts.count, case .any = parts[part] {
                retry = (part + 1, letter)
                part += 1
            } else if part < parts.count, matches(parts[part], letters[letter]) {
                part += 1
                letter += 1
            } else if let last = retry {
                retry = (last.part, last.letter + 1)
                (part, letter) = (last.part, last.letter + 1)
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { if case .any = $0 { true } else { false } }
    }

    private func matches(_ part: Part, _ letter: Character) -> Bool {
        switch part {
        case .any, .one: true
        case .letter(let wanted): wanted == letter
        case .range(let ranges, let isNegated): ranges.contains { $0.contains(letter) } != isNegated
        }
    }
}
