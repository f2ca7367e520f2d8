/// A rating or signal with what the oracle thought of it, as a line of separated values.
///
/// ```
/// user,item,place,candidates,best,place-new,candidates-new,best-new
/// u4,i9,3,498,0.4127,2,441,0.4531
/// ```
public struct TruthLine: Sendable, Equatable {
    /// What the columns are.
    public static let header = "user,item,place,candidates,best,place-new,candidates-new,best-new"

    /// Whose act it is.
    public var user: String
    /// What was taken.
    public var item: String
    /// `nil` where nothing can be said.
    public var truth: ChoiceTruth?

    /// Ids without commas.
    public init(user: String, item: String, truth: ChoiceTruth?) {
        (self.user, self.item, self.truth) = (user, item, truth)
    }

    /// Without line break.
    public var text: String {
        let standings = [truth?.among, truth?.amongNew].map { standing in
            guard let standing else { return ",," }
            return "\(standing.place.map(String.init) ?? ""),\(standing.candidates),\(standing.best)"
        }
        return ([user, item] + standings).joined(separator: ",")
    }

    /// `nil` for what is no such line.
    public init?(_ text: some StringProtocol) {
        let cells = text.split(separator: ",", omittingEmptySubsequences: false)
        guard cells.count == 8, !cells[0].isEmpty, !cells[1].isEmpty else { return nil }
        (user, item) = (String(cells[0]), String(cells[1]))
        func standing(_ first: Int) -> ChoiceTruth.Standing?? {
            let (place, candidates, best) = (cells[first], cells[first + 1], cells[first + 2])
            if candidates.isEmpty { return place.isEmpty && best.isEmpty ? .some(nil) : nil }
            guard let count = Int(candidates), let mass = Double(best) else { return nil }
            guard place.isEmpty || Int(place).map({ $0 >= 1 && $0 <= count }) == true else { return nil }
            return ChoiceTruth.Standing(place: Int(place), candidates: count, best: mass)
        }
        guard let among = standing(2), let amongNew = standing(5) else { return nil }
        truth = among.map { ChoiceTruth(among: $0, amongNew: amongNew) }
        if among == nil, amongNew != nil { return nil }
    }
}
