internal import Events

/// Slow tastes: items with genres, users with planted tastes, and what the users say of the items.
///
/// A rating is quality of the item + the user's liking of its genres + the match of two latent vectors +
/// noise, in half steps from 0.5 to 5. The same options give the same events, on every machine.
///
/// Somebody acts on one of twelve items drawn by popularity: the one liked best, with some noise, of those not rated yet.
struct FilmWorld: Scene {
    static let genres = [
        "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "History", "Horror",
        "Mystery", "Romance", "Science Fiction",
    ]
    private static let latentCount = 4
    private static let itemsCompared = 12
    private static let meanGapMs = 1_000
    private static let clickShare = 0.25

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

    let options: InventedWorld.Options
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
    private var following: (user: Int, item: Int, event: Event)?
    /// `nil` where nobody asks for the truth.
    private var onlooker: Onlooker?
    private let odds = FilmOdds()
    private(set) var truth: ChoiceTruth?

    /// Draws the items; users come as the stream goes on.
    init(_ options: InventedWorld.Options) throws(EventError) {
        self.options = options
        draws = SplitMix64(seed: options.seed)
        time = options.startTime
        onlooker = options.tellsTruth ? Onlooker() : nil
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
    mutating func next() throws(EventError) -> Event? {
        if itemsDescribed < items.count {
            defer { itemsDescribed += 1 }
            let item = items[itemsDescribed]
            let tags = item.genres.map { Self.genres[$0] }
            return Event(.item(ItemDescription(item: item.id, title: item.title, tags: tags)), time: time)
        }
        guard options.events == 0 || acts < options.events else { return nil }
        acts += 1
        time += Int64(1 + draws.index(below: 2 * Self.meanGapMs - 1))
        truth = nil
        if let (user, item, event) = following {
            following = nil
            if Self.isLiked(event) { truth = onlooker?.certain(user: user, item: item) }
            onlooker?.hear(user: user, item: item)
            return Event(event.kind, time: time)
        }
        try admitUsers()
        return act()
    }

    /// As `freshet evaluate` takes it where it is told nothing else.
    private static func isLiked(_ event: Event) -> Bool {
        if case .rating(_, _, let value) = event.kind { value >= 4 } else { true }
    }

    private mutating func admitUsers() throws(EventError) {
        let wanted = options.usersComeBy(acts)
        while users.count < wanted {
            users.append(try Self.user(users.count + 1, &draws))
        }
    }

    private mutating func act() -> Event {
        let user = draws.index(below: users.count)
        drift(user)
        let chances = onlooker == nil ? [] : chances(of: user)
        let (item, event) = act(user)
        if onlooker != nil, Self.isLiked(event) {
            truth = onlooker?.truth(user: user, item: item, items: nil, chances: chances)
        }
        onlooker?.hear(user: user, item: item)
        return event
    }

    private mutating func act(_ user: Int) -> (item: Int, event: Event) {
        let item = choose(for: user)
        let rating = Event(
            .rating(user: users[user].id, item: items[item].id, value: rate(user: user, item: item)),
            time: time)
        let clicks = draws.uniform() < Self.clickShare
        guard clicks else {
            users[user].seen.insert(item)
            return (item, rating)
        }
        let rates = draws.uniform() < 0.5
        if rates {
            users[user].seen.insert(item)
            following = (user, item, rating)
        }
        let click = Event(.signal(user: users[user].id, item: items[item].id, name: "click"), time: time)
        return (item, click)
    }

    /// How likely it is that the user acts on each item now and that the act says it is liked: a click does, and a rating
    /// of 4 or more.
    private func chances(of user: Int) -> [Double] {
        let person = users[user]
        let likings = items.map { Self.liking(person, $0) }
        let weights = popularity.indices.map { popularity[$0] - ($0 > 0 ? popularity[$0 - 1] : 0) }
        var chances = odds.chances(
            weights: weights, likings: likings, isSeen: items.indices.map(person.seen.contains),
            compared: Self.itemsCompared)
        for item in items.indices {
            // A rating of 4 or more is given from 3.75 stars on.
            let needed = 0.75 - items[item].quality - likings[item]
            let isRatedHighly = odds.isAbove(needed / 0.4)
            chances[item] *= Self.clickShare + (1 - Self.clickShare) * isRatedHighly
        }
        return chances
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
            let item = draws.index(bySums: popularity)
            let penalty = users[user].seen.contains(item) ? 100.0 : 0
            let liking = liking(user: user, item: item) + 0.5 * draws.normal() - penalty
            if liking > best?.liking ?? -.infinity { best = (item, liking) }
        }
        return best?.item ?? 0
    }

    private func liking(user: Int, item: Int) -> Double {
        Self.liking(users[user], items[item])
    }

    private static func liking(_ user: User, _ item: Item) -> Double {
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
