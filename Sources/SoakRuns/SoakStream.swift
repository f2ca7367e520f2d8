internal import Factors

/// Ratings that nobody made, in batches, each a function of the seed and its number alone: what was not acknowledged when the
/// daemon was killed is made and sent again. Every event has a time of its own, by which the daemon knows it again.
struct SoakStream {
    static let eventsPerBatch = 512

    /// Users there are in the end.
    let users: Int
    let items: Int
    /// Events by which all users have come.
    let growsOver: Int
    let seed: UInt64

    /// The words of a `FEED`.
    func command(batch: Int) -> [String] {
        var random = KeyedRandom(seed: seed, stream: UInt64(batch))
        var words = ["FEED"]
        words.reserveCapacity(Self.eventsPerBatch + 1)
        for place in 0..<Self.eventsPerBatch {
            let number = batch * Self.eventsPerBatch + place
            let unit = random.nextUnit()
            // Some items are taken far more often than others.
            let item = min(items - 1, Int(Double(items) * unit * unit))
            let user = random.next(below: usersKnown(at: number))
            let rating = 1 + random.next(below: 5)
            words.append(
                #"{"user":"u\#(user)","item":"i\#(item)","rating":\#(rating),"ts":\#(Self.firstTime + number)}"#
            )
        }
        return words
    }

    func usersKnown(at event: Int) -> Int {
        guard event < growsOver else { return users }
        return max(min(users, 16), Int(Double(users) * Double(event) / Double(growsOver)))
    }

    /// In milliseconds since 1970.
    private static let firstTime = 1_700_000_000_000
}
