/// What a title tells beside its words: GroupLens's end with the year, and films of a time are liked alike.
package enum TitleYear {
    /// `year:1995` and `decade:1990` of "Toy Story (1995)"; none of a title that does not end so.
    package static func names(in title: String) -> [String] {
        guard title.hasSuffix(")"), let open = title.lastIndex(of: "(") else { return [] }
        let digits = title[title.index(after: open)..<title.index(before: title.endIndex)]
        guard digits.utf8.count == 4, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let year = Int(digits)
        else { return [] }
        return ["year:\(year)", "decade:\(year / 10 * 10)"]
    }

    /// What a title says as a feature: its year and decade, and itself, because items of one title are of one kind, as in a shop.
    package static func features(of title: String) -> [String] { names(in: title) + [titlePrefix + title] }

    private static let titlePrefix = "title:"

    /// Whether it is a whole title.
    package static func isTitle(_ name: String) -> Bool { name.hasPrefix(titlePrefix) }

    /// Whether it is such a name.
    package static func isName(_ name: String) -> Bool {
        name.hasPrefix("year:") || name.hasPrefix("decade:")
    }
}
