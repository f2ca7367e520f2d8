// InventedWorlds: events that nobody made, to try Freshet by.
//
// Here live three worlds with planted truth, their titles, and draws that are the same on every machine; and how likely
// each choice was, for whoever wants to know how far a model is from the best possible. A seed and some sizes come in,
// events go out. What never comes in: the clock, the machine's randomness, files.

public import Events

/// A world that nobody made: what its users do, and, where it is asked for, how well that could have been foretold.
///
/// The same options give the same events, on every machine.
///
/// ```swift
/// var world = try InventedWorld(InventedWorld.Options(.news, users: 50, items: 20, events: 1_000, seed: 7))
/// while let event = try world.next() { print(event) }
/// ```
public struct InventedWorld {
    /// What is modelled.
    public enum Name: String, Sendable, CaseIterable {
        /// Ratings by slow tastes; nothing is taken twice.
        case films
        /// Purchases in baskets: most come again, each at the household's own pace.
        case shop
        /// Sessions of clicks on stories that are born and die within hours.
        case news

        /// Users where nobody says how many.
        public var users: Int {
            switch self {
            case .films: 1_000
            case .shop: 200
            case .news: 2_000
            }
        }

        /// Items where nobody says how many; of news, stories about at once.
        public var items: Int {
            switch self {
            case .films, .shop: 500
            case .news: 150
            }
        }

        /// Whether what was taken is taken again: what `--seen` is to be.
        public var repeats: Bool { self == .shop }
    }

    /// What decides a world, to the last event.
    public struct Options: Sendable {
        /// Which of them.
        public var name: Name
        /// Who come over time; 1 or more.
        public var users: Int
        /// Described at the beginning; of news, stories about at once; 1 or more.
        public var items: Int
        /// Ratings and signals; the item descriptions come on top. 0 goes on for ever.
        public var events: Int
        /// Of every draw.
        public var seed: UInt64
        /// Deviation, in stars, of the step that each taste takes with each act of its user (films).
        public var drift: Double
        /// Milliseconds since 1970, of the first event.
        public var startTime: Int64
        /// Whether `truth` is worked out; it changes no event.
        public var tellsTruth: Bool

        /// - Parameters:
        ///   - users: the world's own number where `nil`.
        ///   - items: likewise.
        ///   - events: ratings and signals; 0 goes on for ever.
        ///   - drift: in stars, of each taste with each act of its user (films).
        ///   - startTime: milliseconds since 1970.
        ///   - tellsTruth: whether `truth` is worked out.
        public init(
            _ name: Name = .films, users: Int? = nil, items: Int? = nil, events: Int = 0, seed: UInt64 = 1,
            drift: Double = 0.01, startTime: Int64 = 1_700_000_000_000, tellsTruth: Bool = false
        ) {
            self.name = name
            (self.users, self.items) = (users ?? name.users, items ?? name.items)
            (self.events, self.seed, self.drift) = (events, seed, drift)
            (self.startTime, self.tellsTruth) = (startTime, tellsTruth)
        }
    }

    private var scene: any Scene

    /// Draws what is there at the beginning; users come as the stream goes on.
    public init(_ options: Options) throws(EventError) {
        scene =
            switch options.name {
            case .films: try FilmWorld(options)
            case .shop: try ShopWorld(options)
            case .news: try NewsWorld(options)
            }
    }

    /// The next event, an item's description before anything is done with it; `nil` once there were as many ratings and
    /// signals as asked for. Times never go back.
    public mutating func next() throws(EventError) -> Event? { try scene.next() }

    /// How well the last event could have been foretold; `nil` for descriptions, for what is not liked, for the first
    /// event of a user, and where nobody asked.
    public var truth: ChoiceTruth? { scene.truth }
}

/// One of the worlds.
protocol Scene {
    mutating func next() throws(EventError) -> Event?
    /// Of the last event.
    var truth: ChoiceTruth? { get }
}

extension InventedWorld.Options {
    /// How many users have come by the act of this number, from 1: over the first four fifths of a bounded stream, in an
    /// endless one with every tenth act.
    func usersComeBy(_ act: Int) -> Int {
        let every = events > 0 ? max(1, events * 4 / 5 / max(1, users)) : 10
        return min(max(1, users), 1 + act / every)
    }
}
