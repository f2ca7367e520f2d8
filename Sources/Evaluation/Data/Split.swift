internal import Factors

/// How the test part is taken out of the observations.
public enum SplitRule: Sendable, Equatable {
    /// A random fraction of all observations.
    case random(fraction: Double)
    /// The last fraction by time, over all users: learn the past, predict the future. Rows decide between equal times.
    case byTime(fraction: Double)
    /// The last fraction of each user's observations by time, rounded down: a user with few stays in training.
    case lastOfEachUser(fraction: Double)
    /// Each user's last positive observation by time (He et al. 2017); users with fewer than two stay in training.
    case leaveOneOut
    /// All observations of a random fraction of the items, or of the users.
    case items(fraction: Double)
    case users(fraction: Double)
    /// All of a fraction of the items, and all of a fraction of the users.
    case itemsAndUsers(items: Double, users: Double)
    /// The pairs that a file names.
    case given(Set<GivenPair>)

    /// In words, for the header.
    public var description: String {
        switch self {
        case .random(let fraction): "random \(percent(fraction)) of the events held out"
        case .byTime(let fraction): "last \(percent(fraction)) of the events by time held out"
        case .lastOfEachUser(let fraction): "last \(percent(fraction)) of each user's events by time held out"
        case .leaveOneOut: "each user's last positive event by time held out"
        case .items(let fraction): "all events of a random \(percent(fraction)) of the items held out"
        case .users(let fraction): "all events of a random \(percent(fraction)) of the users held out"
        case .itemsAndUsers(let items, let users):
            "all events of a random \(percent(items)) of the items and \(percent(users)) of the users held out"
        case .given(let pairs): "the \(pairs.count) pairs of the given file held out"
        }
    }

    private func percent(_ fraction: Double) -> String {
        let percent = (fraction * 1000).rounded() / 10
        return percent == percent.rounded() ? "\(Int(percent)) %" : "\(percent) %"
    }
}

/// A pair of user and item rows.
public struct GivenPair: Hashable, Sendable {
    public var user: Int32
    public var item: Int32

    public init(user: Int32, item: Int32) {
        self.user = user
        self.item = item
    }
}

/// The part that is learned and the part that is tested; both keep the order of the rows.
public struct Split: Sendable {
    public let train: [Observation]
    public let test: [Observation]

    /// - Throws: `EvaluationError.emptyPart` where nothing would be left to learn, or to test.
    public init(_ observations: [Observation], rule: SplitRule, seed: UInt64) throws(EvaluationError) {
        guard !observations.isEmpty else { throw .emptyPart("there are no events to evaluate on") }
        var held = [Bool](repeating: false, count: observations.count)
        for index in Self.heldOut(observations, rule, seed) { held[index] = true }
        train = observations.indices.filter { !held[$0] }.map { observations[$0] }
        test = observations.indices.filter { held[$0] }.map { observations[$0] }
        if test.isEmpty {
            throw .emptyPart("the test part is empty: of \(observations.count) events, none is held out")
        }
        if train.isEmpty {
            throw .emptyPart("nothing is left to learn from: all \(observations.count) events are held out")
        }
    }

    private static func heldOut(_ observations: [Observation], _ rule: SplitRule, _ seed: UInt64) -> [Int] {
        switch rule {
        case .random(let fraction):
            return Array(shuffled(observations.count, seed: seed).prefix(count(fraction, observations.count)))
        case .byTime(let fraction):
            return Dataset.timeOrder(observations).suffix(count(fraction, observations.count))
        case .lastOfEachUser(let fraction):
            return ordersOfUsers(observations).flatMap { order in
                order.suffix(Int(fraction * Double(order.count)))
            }
        case .leaveOneOut:
            return ordersOfUsers(observations).compactMap { order in
                let liked = order.filter { observations[$0].isPositive }
                return liked.count > 1 ? liked.last : nil
            }
        case .items(let fraction):
            let isHeld = drawn(fraction, of: observations.map(\.item), seed: seed)
            return observations.indices.filter { isHeld[Int(observations[$0].item)] }
        case .users(let fraction):
            let isHeld = drawn(fraction, of: observations.map(\.user), seed: seed)
            return observations.indices.filter { isHeld[Int(observations[$0].user)] }
        case .itemsAndUsers(let itemFraction, let userFraction):
            let items = drawn(itemFraction, of: observations.map(\.item), seed: seed)
            let users = drawn(userFraction, of: observations.map(\.user), seed: seed &+ 0x5EED)
            return observations.indices.filter {
                items[Int(observations[$0].item)] || users[Int(observations[$0].user)]
            }
        case .given(let pairs):
            return observations.indices.filter {
                pairs.contains(GivenPair(user: observations[$0].user, item: observations[$0].item))
            }
        }
    }

    /// By row, whether it is of the fraction drawn among all rows that occur.
    private static func drawn(_ fraction: Double, of rows: [Int32], seed: UInt64) -> [Bool] {
        let occurring = Set(rows).sorted()
        var isDrawn = [Bool](repeating: false, count: Int(occurring.last ?? -1) + 1)
        let places = shuffled(occurring.count, seed: seed)
        for place in places.prefix(count(fraction, occurring.count)) {
            isDrawn[Int(occurring[place])] = true
        }
        return isDrawn
    }

    private static func count(_ fraction: Double, _ all: Int) -> Int {
        Int((fraction * Double(all)).rounded())
    }

    /// Each user's observations in the order of time.
    private static func ordersOfUsers(_ observations: [Observation]) -> [[Int]] {
        let users = Int(observations.map(\.user).max() ?? -1) + 1
        var orders = [[Int]](repeating: [], count: users)
        for index in Dataset.timeOrder(observations) { orders[Int(observations[index].user)].append(index) }
        return orders
    }

    /// All of `0..<count`, in a random order that is a function of the seed (Fisher and Yates).
    static func shuffled(_ count: Int, seed: UInt64) -> [Int] {
        var random = KeyedRandom(seed: seed, stream: 0x5911)
        var all = Array(0..<count)
        for place in stride(from: count - 1, to: 0, by: -1) {
            all.swapAt(place, random.next(below: place + 1))
        }
        return all
    }
}
