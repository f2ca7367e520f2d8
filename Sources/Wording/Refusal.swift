/// An error of the daemon's, told to somebody who typed a command of freshet's: options by their names there, no usage of the
/// RPC, and no code for programs.
package struct Refusal: Equatable {
    /// The first word of the daemon's error, say `NOUSER`.
    package let code: String
    package let message: String
    /// Whether the command was called wrongly.
    package let isUsage: Bool

    /// Options of the RPC that commands have under another name.
    private static let flags = [
        "COUNT": "--count", "MODEL": "--model", "BY": "--by", "TAG": "--tag", "EXCLUDE": "--exclude",
        "SEEN": "--seen", "AFTER": "--after", "AMONG": "--among", "METRIC": "--metric",
        "WEIGHTS": "--weights", "weight": "--weights", "INCLUDESEEN": "--include-seen",
        "RATE": "freshet rate", "STATUS": "freshet status", "MODELS": "freshet models",
    ]

    /// - Parameter error: as the RPC answers it, without the `-`.
    package init(_ error: String) {
        let first = error.prefix { $0 != " " }
        let isCode = first.count > 1 && first.allSatisfy { ("A"..."Z").contains($0) }
        code = isCode ? String(first) : ""
        let text = isCode ? String(error.dropFirst(first.count + 1)) : error
        let parts = text.components(before: "; usage: ")
        isUsage = parts.isCut
        let words = Self.inOwnTerms(parts.head)
        message =
            switch code {
            case "NOAUTH", "WRONGPASS": "\(words); --user and --password-file say who you are"
            case "MOVED": Self.elsewhere(text) ?? error
            default: words.isEmpty ? error : words
            }
    }

    /// - Parameter text: slot and address.
    private static func elsewhere(_ text: String) -> String? {
        guard let address = text.split(separator: " ").dropFirst().first else { return nil }
        let socket = address.contains("/") ? String(address) : "tcp://\(address)"
        return "another daemon has this user; ask it by --socket \(socket)"
    }

    /// What stands in quotes came from the user, and stays.
    private static func inOwnTerms(_ text: String) -> String {
        text.split(separator: "'", omittingEmptySubsequences: false).enumerated().map { place, part in
            place.isMultiple(of: 2) ? renamed(part) : String(part)
        }.joined(separator: "'")
    }

    private static func renamed(_ text: Substring) -> String {
        var (renamed, word) = ("", "")
        func flush() {
            renamed += flags[word] ?? word
            word = ""
        }
        for character in text {
            if character.isLetter {
                word.append(character)
            } else {
                flush()
                renamed.append(character)
            }
        }
        flush()
        return renamed
    }
}

extension String {
    fileprivate func components(before mark: String) -> (head: String, isCut: Bool) {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(mark) { return (String(self[..<rest.startIndex]), true) }
            rest = rest.dropFirst()
        }
        return (self, false)
    }
}
