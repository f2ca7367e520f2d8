internal import Events

/// Stories that are born and die within hours, and users who click them in sessions.
///
/// A story's pull is drawn from a heavy tail, rises for minutes and halves in half an hour to three hours. Who comes takes
/// a story by its pull times the user's liking of its topic, none twice; within a session some clicks stay with the topic of
/// the last story, and some follow one of its four links, which lead to newer stories of its topic. Nights are quiet.
struct NewsWorld: Scene {
    static let topics = [
        "Politics", "Economy", "Sport", "Culture", "Science", "Weather", "Crime", "Health", "Travel", "Local",
        "Technology", "Opinion",
    ]
    private static let minute: Int64 = 60_000
    /// Minutes of news before the first event.
    private static let warmUp = 600
    /// Between sessions by day.
    private static let sessionGapMs = 1_200.0
    /// By hour of the day, how many come of those who come by day.
    private static let bustle = [
        0.3, 0.2, 0.15, 0.15, 0.2, 0.4, 0.8, 1, 1.1, 1, 1, 1.1, 1.3, 1.1, 1, 0.9, 0.9, 1, 1.1, 1.2, 1.2, 1.1,
        0.8,
        0.5,
    ]
    static let goesOn = 0.6
    static let staysWithTopic = 0.2
    static let followsLink = 0.25
    static let links = 4
    /// A story with less pull is gone; none is born with less than 20 times as much.
    static let least = 0.05
    /// Minutes that a story is about on average, found by trial.
    private static let meanLife = 330.0

    struct Story {
        var id: EntityID
        var title: String
        var topic: Int
        /// Its pull now, where `rising` is 0.
        var pull: Double
        /// What a minute leaves of it.
        var kept: Double
        /// Minutes over which it rises, and those left of them.
        var rise: Int
        var rising: Int
        /// Numbers of stories to go on with.
        var links: [Int] = []
        var isGone = false

        var now: Double { pull * Double(rise - rising + 1) / Double(rise + 1) }
    }

    struct User {
        var id: EntityID
        var tastes: [Double]
        var read: Set<Int> = []
        var isHere = false
    }

    private struct Session {
        var user: Int
        var due: Int64
        var last: Int?
    }

    private let options: InventedWorld.Options
    private var draws: SplitMix64
    /// Those gone are kept without links: who follows the stream still counts them.
    private(set) var stories: [Story] = []
    /// Numbers of those about.
    private(set) var about: [Int] = []
    private(set) var users: [User] = []
    /// Of the activity of users, running sums.
    private var activity: [Double] = []
    private var sessions: [Session] = []
    private var acts = 0
    private var nextMinute: Int64
    private var nextArrival: Int64
    /// Numbers of stories to describe, and how many of them are.
    private var published: [Int] = []
    private var described = 0
    private var onlooker: Onlooker?
    private(set) var truth: ChoiceTruth?

    init(_ options: InventedWorld.Options) throws(EventError) {
        self.options = options
        draws = SplitMix64(seed: options.seed ^ 0x4E45_5753)
        onlooker = options.tellsTruth ? Onlooker() : nil
        (nextMinute, nextArrival) = (options.startTime, options.startTime)
        for _ in 0..<Self.warmUp { try passMinute() }
        published = about
    }

    mutating func next() throws(EventError) -> Event? {
        truth = nil
        while true {
            if described < published.count { return describe() }
            guard options.events == 0 || acts < options.events else { return nil }
            let due = sessions.indices.min { sessions[$0].due < sessions[$1].due }
            let time = min(nextArrival, due.map { sessions[$0].due } ?? .max)
            if nextMinute <= time {
                try passMinute()
                nextMinute += Self.minute
            } else if let due, sessions[due].due == time {
                if let event = click(session: due) { return event }
            } else {
                try arrive(at: time)
            }
        }
    }

    // MARK: - Stories

    private mutating func passMinute() throws(EventError) {
        for number in about {
            if stories[number].rising > 0 {
                stories[number].rising -= 1
            } else {
                stories[number].pull *= stories[number].kept
            }
            if stories[number].pull < Self.least {
                stories[number].isGone = true
                stories[number].links = []
            }
        }
        about.removeAll { stories[$0].isGone }
        var due = Double(options.items) / Self.meanLife
        while due > 0 {
            if draws.uniform() < due { try publish() }
            due -= 1
        }
    }

    private mutating func publish() throws(EventError) {
        let (number, topic) = (stories.count, draws.index(below: Self.topics.count))
        let rise = 2 + draws.index(below: 14)
        let story = Story(
            id: try EntityID("n\(number + 1)"), title: Headlines.next(&draws), topic: topic,
            pull: 1 / (0.005 + draws.uniform()),
            kept: 1 - (0.004 + 0.019 * draws.uniform()), rise: rise, rising: rise)
        var kin = about.filter { stories[$0].topic == topic }
        // It takes the place of the oldest link of some others.
        for _ in 0..<min(Self.links, kin.count) {
            let other = kin.remove(at: draws.index(below: kin.count))
            stories[other].links.append(number)
            if stories[other].links.count > Self.links { stories[other].links.removeFirst() }
        }
        stories.append(story)
        about.append(number)
        published.append(number)
    }

    private mutating func describe() -> Event {
        let story = stories[published[described]]
        described += 1
        if described == published.count {
            published.removeAll(keepingCapacity: true)
            described = 0
        }
        let description = ItemDescription(
            item: story.id, title: story.title, tags: [Self.topics[story.topic]])
        return Event(.item(description), time: max(options.startTime, nextMinute - Self.minute))
    }

    // MARK: - Users

    private mutating func arrive(at time: Int64) throws(EventError) {
        let hour = Int(time / 3_600_000 % 24)
        nextArrival += Int64(1 + 2 * draws.uniform() * Self.sessionGapMs / Self.bustle[hour])
        let wanted = options.usersComeBy(acts + 1)
        while users.count < wanted {
            let tastes = Self.topics.map { _ in
                let draw = draws.uniform()
                return 0.6 + 0.9 * draw * draw
            }
            users.append(User(id: try EntityID("u\(users.count + 1)"), tastes: tastes))
            activity.append((activity.last ?? 0) + 1 / Double(users.count).squareRoot())
        }
        let user = draws.index(bySums: activity)
        if users[user].isHere { return }
        users[user].isHere = true
        users[user].read = users[user].read.filter { !stories[$0].isGone }
        sessions.append(Session(user: user, due: time, last: nil))
    }

    /// `nil` where there is nothing left to read.
    private mutating func click(session index: Int) -> Event? {
        let session = sessions[index]
        let chances = chances(of: session.user, last: session.last)
        let all = chances.reduce(0, +)
        guard all > 0 else {
            leave(index)
            return nil
        }
        let story = about[draws.index(byWeights: chances, sum: all)]
        truth = onlooker?.truth(user: session.user, item: story, items: about, chances: chances)
        onlooker?.hear(user: session.user, item: story)
        acts += 1
        users[session.user].read.insert(story)
        let event = Event(
            .signal(user: users[session.user].id, item: stories[story].id, name: "click"), time: session.due)
        if draws.uniform() < Self.goesOn {
            sessions[index].last = story
            sessions[index].due += Int64(15_000 + draws.index(below: 60_000))
        } else {
            leave(index)
        }
        return event
    }

    private mutating func leave(_ session: Int) {
        users[sessions[session].user].isHere = false
        sessions.remove(at: session)
    }

    /// How likely each story that is about is the next one of the user.
    ///
    /// - Parameter last: the story just read in this session.
    func chances(of user: Int, last: Int?) -> [Double] {
        let person = users[user]
        let base = about.map { number in
            person.read.contains(number) ? 0 : stories[number].now * person.tastes[stories[number].topic]
        }
        let all = base.reduce(0, +)
        guard all > 0 else { return base }
        guard let last else { return base.map { $0 / all } }
        let topic = stories[last].topic
        let kin = about.indices.filter { stories[about[$0]].topic == topic }
        let ofTopic = kin.reduce(0) { $0 + base[$1] }
        let open = about.indices.filter { base[$0] > 0 && stories[last].links.contains(about[$0]) }
        let stays = ofTopic > 0 ? Self.staysWithTopic : 0
        let follows = open.isEmpty ? 0 : Self.followsLink
        var chances = base.map { (1 - stays - follows) * $0 / all }
        for index in kin where ofTopic > 0 { chances[index] += stays * base[index] / ofTopic }
        for index in open { chances[index] += follows / Double(open.count) }
        return chances
    }
}
