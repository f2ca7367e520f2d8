package import RESP

/// What somebody has to know of a list, beside the list itself.
package enum Notes {
    /// Why a user gets what is popular.
    ///
    /// - Parameter isKnown: whether anything was ever heard of the user.
    package static func popularInstead(of user: String, isKnown: Bool, model: String) -> String {
        isKnown
            ? "model '\(model)' has nothing to go by for user '\(user)': this is what is popular"
            : "user '\(user)' is not known: this is what is popular"
    }

    /// Why another model answers than the default.
    package static func standIn(_ model: String) -> String {
        "the default model is not healthy (freshet quarantine): this is by model '\(model)'"
    }

    /// Of the words of a search, those that no item carries as a tag.
    package static func guessed(_ words: [String]) -> String? {
        guard let first = words.first else { return nil }
        return words.count == 1
            ? "no item has the tag '\(first)': what it is about is guessed by its letters"
            : "no item has any of the tags \(words.map { "'\($0)'" }.joined(separator: ", ")): what these are about is "
                + "guessed by their letters"
    }

    /// What keeps all items out of an empty list.
    ///
    /// - Parameter shortfall: `why-fewer` of `WITHMETA`.
    package static func empty(_ shortfall: RESPValue?) -> String {
        guard case .map(let pairs)? = shortfall, let all = shortfall?["catalogue"]?.plainText else {
            return "no item fits"
        }
        let words = [
            "unavailable": "not available", "tag": "without the tag asked for", "hidden": "hidden",
            "seen": "taken already", "excluded": "excluded", "untaken": "never taken",
        ]
        let reasons = pairs.compactMap { name, count -> String? in
            guard let reason = words[name.plainText], count != .integer(0) else { return nil }
            return "\(count.plainText) \(reason)"
        }
        guard all != "0" else { return "no item is known yet" }
        return "no item fits: of \(all) items, "
            + (reasons.isEmpty ? "none is left" : reasons.joined(separator: ", "))
    }
}
