// InventedWorlds: events that nobody made, to try Freshet by.
//
// Here live a world with planted tastes, its titles, and draws that are the same on every machine. A seed and some
// sizes come in, events go out. What never comes in: the clock, the machine's randomness, files.

public import Events

/// A small invented world: items with genres, users with planted tastes, and what the users say of the items.
///
/// A rating is quality of the item + the user's liking of its genres + the match of two latent vectors +
/// noise, in half steps from 0.5 to 5. The same options give the same events, on every machine.
///
/// ```swift
/// var world = try InventedWorld(InventedWorld.Options(users: 50, items: 20, events: 1_000, seed: 7))
/// while let event = try world.next() { print(event) }
/// ```
public struct InventedWorld {
    /// What decides a world, to the last event.
    public struct Options: Sendable {
        /// Who come over time; 1 or more.
        public var users: Int
        /// Described at the beginning; 1 or more.
        public var items: Int
        /// Ratings and signals; the item descriptions come on top. 0 goes on for ever.
        public var events: Int
        /// Of every draw.
        public var seed: UInt64
        /// Deviation, in stars, of the step that each taste takes with each act of its user.
        public var drift: Double
        /// Milliseconds since 1970, of the first event.
        public var startTime: Int64

        /// - Parameters:
        ///   - events: ratings and signals; 0 goes on for ever.
        ///   - drift: in stars, of each taste with each act of its user.
        ///   - startTime: milliseconds since 1970.
        public init(
            users: Int = 1_000, items: Int = 500, events: Int = 0, seed: UInt64 = 1, drift: Double = 0.01,
            startTime: Int64 = 1_700_000_000_000
        ) {
            (self.users, self.items, self.events) = (users, items, events)
            (self.seed, self.drift, self.startTime) = (seed, drift, startTime)
        }
    }

    static let genres = [
        "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "History", "Horror",
        "Mystery", "Romance", "Science Fiction",
    ]
    private static let latentCount = 4
    private static let itemsCompared = 12
    private static let meanGapMs = 1_000

    struct Item {
        var id: EntityID
        var title: String
        var genres: [Int]
        var quality: Double
        var latent: [Double]
    }

    struct User {
        var id: EntityID
        /// Liking of each genre; one point is about one star.
        var tastes: [Double]
        var latent: [Double]
        var seen: Set<Int> = []
    }

    let options: Options
    let items: [Item]
    private(set) var users: [User] = []
    private var draws: SplitMix64
    /// The item of rank r is drawn in proportion to 1 / √(r + 1), flatter than Zipf: what is taken is to tell tastes
    /// rather than fashion. Running sums.
    private let popularity: [Double]
    private var itemsDescribed = 0
    private var acts = 0
    private var time: Int64
    /// The rating that follows a click by the same user.
    private var following: Event?

    /// Draws the items; users come as the stream goes on.
    public init(_ options: Options) throws(EventError) {
        self.options = options
        draws = SplitMix64(seed: options.seed)
        time = options.startTime
        var titles = InventedTitles()
        var items: [Item] = []
        var popularity: [Double] = []
        for number in 1...max(1, options.items) {
            items.append(try Self.item(number, &titles, &draws))
            popularity.append((popularity.last ?? 0) + 1 / Double(number).squareRoot())
        }
        self.items = items
        self.popularity = popularity
    }

    /// The next event, items first; `nil` once there were as many as asked for.
    public mutating func next() throws(EventError) -> Event? {
        if itemsDescribed < items.count {
            defer { itemsDescribed += 1 }
            let item = items[itemsDescribed]
            let tags = item.genres.map { Self.genres[$0] }
            return Event(.item(ItemDescription(item: item.id, title: item.title, tags: tags)), time: time)
        }
        guard options.events == 0 || acts < options.events else { return nil }
        acts += 1
        time += Int64(1 + draws.index(below: 2 * Self.meanGapMs - 1))
        if let event = following {
            following = nil
            return Event(event.kind, time: time)
        }
        try admitUsers()
        return act()
    }

    /// Users come over the first four fifths of a bounded stream, in an endless one with every tenth act.
    private mutating func admitUsers() throws(EventError) {
        let every = options.events > 0 ? max(1, options.events * 4 / 5 / max(1, options.users)) : 10
        let wanted = min(max(1, options.users), 1 + acts / every)
        while users.count < wanted {
            users.append(try Self.user(users.count + 1, &draws))
        }
    }

    private mutating func act() -> Event {
        let user = draws.index(below: users.count)
        drift(user)
        let item = choose(for: user)
        let rating = Event(
            .rating(user: users[user].id, item: items[item].id, value: rate(user: user, item: item)),
            time: time)
        let clicks = draws.uniform() < 0.25
        guard clicks else {
            users[user].seen.insert(item)
            return rating
        }
        let rates = draws.uniform() < 0.5
        if rates {
            users[user].seen.insert(item)
            following = rating
        }
        return Event(.signal(user: users[user].id, item: items[item].id, name: "click"), time: time)
    }

    private mutating func drift(_ user: Int) {
        guard options.drift > 0 else { return }
        // Shrinks as much as the step adds, so that an endless stream's tastes stay as strong as they began.
        let kept = max(0, 1 - options.drift * options.drift).squareRoot()
        for genre in Self.genres.indices {
            users[user].tastes[genre] = kept * users[user].tastes[genre] + options.drift * draws.normal()
        }
    }

    /// Of some items drawn by popularity the one the user likes best, seen ones only when all of them are.
    private mutating func choose(for user: Int) -> Int {
        var best: (item: Int, liking: Double)?
        for _ in 0..<Self.itemsCompared {
            let item = drawItem()
            let penalty = users[user].seen.contains(item) ? 100.0 : 0
            let liking = liking(user: user, item: item) + 0.5 * draws.normal() - penalty
            if liking > best?.liking ?? -.infinity { best = (item, liking) }
        }
        return best?.item ?? 0
    }

    private mutating func drawItem() -> Int {
        let place = draws.uniform() * (popularity.last ?? 0)
        var range = 0..<popularity.count
        while range.count > 1 {  // the first running sum above `place`
            let middle = (range.lowerBound + range.upperBound) / 2
            range = popularity[middle - 1] > place ? range.lowerBound..<middle : middle..<range.upperBound
        }
        return range.lowerBound
    }

    private func liking(user: Int, item: Int) -> Double {
        let (user, item) = (users[user], items[item])
        let genres = item.genres.reduce(0) { $0 + user.tastes[$1] } / Double(item.genres.count)
        let match = zip(user.latent, item.latent).reduce(0) { $0 + $1.0 * $1.1 }
        return genres + 0.3 * match
    }

    private mutating func rate(user: Int, item: Int) -> Float {
        let stars = 3 + items[item].quality + liking(user: user, item: item) + 0.4 * draws.normal()
        return Float(min(5, max(0.5, (stars * 2).rounded() / 2)))
    }

    private static func item(
        _ number: Int, _ titles: inout InventedTitles, _ draws: inout SplitMix64
    ) throws(EventError) -> Item {
        var genres: [Int] = []
        for _ in 0...draws.index(below: 3) {
            let genre = draws.index(below: Self.genres.count)
            if !genres.contains(genre) { genres.append(genre) }
        }
        return Item(
            id: try EntityID("i\(number)"), title: titles.next(&draws), genres: genres.sorted(),
            quality: 0.4 * draws.normal(), latent: latent(&draws))
    }

    private static func user(_ number: Int, _ draws: inout SplitMix64) throws(EventError) -> User {
        let tastes = genres.map { _ in draws.normal() }
        return User(id: try EntityID("u\(number)"), tastes: tastes, latent: latent(&draws))
    }

    private static func latent(_ draws: inout SplitMix64) -> [Double] {
        (0..<latentCount).map { _ in draws.normal() }
    }
}
