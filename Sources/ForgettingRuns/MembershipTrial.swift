package import Events
internal import Factors
internal import StreamLearning

/// Whether items' rows tell that somebody was in the stream who has been forgotten since.
///
/// In each of many runs half of the users stay, a quarter is learned from and then forgotten, and a quarter never comes; by
/// lot, so that each user is each of these in some of the runs. The attacker knows what a user rated, has all rows of items,
/// and says how much these rows lie together: items that one user likes are drawn to the user's row, and so to one another. It
/// is told, too, what it says of the same user in the runs that never saw the user, and takes the mean of that off (Carlini
/// et al., "Membership Inference Attacks From First Principles", 2022).
package struct MembershipTrial {
    /// When the attacker looks.
    package enum Moment: Int, CaseIterable, Sendable {
        /// Before FORGET.
        case before
        /// At once after it.
        case after
        /// After the last fifth of the stream, of those who stay, has come too.
        case later
    }

    /// The probability that the attacker puts somebody who was in the stream before somebody who was not; ½ where it knows
    /// nothing. Mean over runs, with its 95 % interval.
    package struct Area: Sendable {
        package var mean: Double
        package var error: Double
    }

    package struct Line: Sendable {
        package var model: String
        /// By `Moment`.
        package var areas: [Area]
    }

    package let lines: [Line]
    package let users: Int

    private enum Part { case stays, forgotten, never }

    /// What the attacker says of everybody in one run.
    private struct Attack {
        var parts: [Part]
        /// By model, moment and user.
        var scores: [[[Double]]]
    }

    private struct Person {
        var id: EntityID
        var ratings: [(item: EntityID, value: Float)] = []
    }

    /// - Parameter events: of ratings, in the order of the stream.
    package init(_ events: [Event], runs: Int, seed: UInt64, progress: (Int) -> Void = { _ in }) {
        var places: [EntityID: Int] = [:]
        var people: [Person] = []
        for event in events {
            guard case .rating(let user, let item, let value) = event.kind else { continue }
            let place = places[user] ?? people.count
            if place == people.count {
                places[user] = place
                people.append(Person(id: user))
            }
            people[place].ratings.append((item, value))
        }
        users = people.count
        var attacks: [Attack] = []
        for run in 0..<runs {
            progress(run)
            attacks.append(Self.attack(events, people, places, run: run, seed: seed))
        }
        lines = LearnedRows.models.indices.map { model in
            Line(
                model: LearnedRows.models[model],
                areas: Moment.allCases.map { Self.area(attacks, model, $0.rawValue) })
        }
    }

    private static func attack(
        _ events: [Event], _ people: [Person], _ places: [EntityID: Int], run: Int, seed: UInt64
    ) -> Attack {
        var random = KeyedRandom(seed: seed, stream: 1, index: UInt64(run))
        let parts: [Part] = people.map { _ in [.stays, .stays, .forgotten, .never][random.next(below: 4)] }
        func logged(_ event: Event, _ offset: Int) -> LoggedEvent {
            LoggedEvent(token: Token(partition: 0, offset: Int64(offset)), logTime: 0, event: event)
        }
        let early = events.count * 4 / 5
        var (first, rest): ([LoggedEvent], [LoggedEvent]) = ([], [])
        for (number, event) in events.enumerated() {
            guard case .rating(let user, _, _) = event.kind, let place = places[user] else { continue }
            switch parts[place] {
            case .never: continue
            case .stays where number >= early: rest.append(logged(event, 2 * events.count + number))
            // Those who are forgotten have said all before.
            case .stays, .forgotten: first.append(logged(event, number))
            }
        }
        let forgetting = people.indices.filter { parts[$0] == .forgotten }.enumerated().map { number, place in
            logged(Event(.forget(user: people[place].id)), events.count + number)
        }
        let moments = [first, first + forgetting, first + forgetting + rest].map { LearnedRows($0) }
        return Attack(
            parts: parts,
            scores: LearnedRows.models.indices.map { model in
                moments.map { rows in people.map { together($0, rows, model) } }
            })
    }

    /// Mean cosine of the vectors of a user's items, each by how much the user is above or below the mean with it; of `likes`,
    /// of what is liked.
    private static func together(_ person: Person, _ rows: LearnedRows, _ model: Int) -> Double {
        let mean = person.ratings.reduce(0) { $0 + Double($1.value) } / Double(person.ratings.count)
        var sum: [Double] = []
        var (squares, weights) = (0.0, 0.0)
        for (item, value) in person.ratings {
            let weight = model == 0 ? Double(value) - mean : value >= 4 ? 1 : 0
            guard weight != 0, let row = rows.item(item, model: model)?.dropLast() else { continue }
            let length = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard length > 0 else { continue }
            if sum.isEmpty { sum = Array(repeating: 0, count: row.count) }
            for (place, number) in row.enumerated() { sum[place] += weight * Double(number) / length }
            squares += weight * weight
            weights += abs(weight)
        }
        let pairs = weights * weights - squares
        return pairs > 1e-9 ? (sum.reduce(0) { $0 + $1 * $1 } - squares) / pairs : 0
    }

    private static func area(_ attacks: [Attack], _ model: Int, _ moment: Int) -> Area {
        let areas = attacks.indices.map { run -> Double in
            let attack = attacks[run]
            func isMember(_ user: Int) -> Bool? {
                switch attack.parts[user] {
                case .forgotten: true
                case .never: false
                case .stays: nil
                }
            }
            let judged = attack.parts.indices.compactMap { user -> (score: Double, isMember: Bool)? in
                guard let isMember = isMember(user) else { return nil }
                let others = attacks.indices.filter { $0 != run && attacks[$0].parts[user] == .never }
                let usual =
                    others.reduce(0) { $0 + attacks[$1].scores[model][moment][user] }
                    / Double(max(1, others.count))
                return (attack.scores[model][moment][user] - usual, isMember)
            }
            return area(judged)
        }
        let mean = areas.reduce(0, +) / Double(areas.count)
        let variance = areas.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, areas.count - 1))
        return Area(mean: mean, error: 1.96 * (variance / Double(areas.count)).squareRoot())
    }

    /// Mann and Whitney's: by ranks, those of equal scores alike.
    package static func area(_ judged: [(score: Double, isMember: Bool)]) -> Double {
        let sorted = judged.sorted { $0.score < $1.score }
        var (place, ranks) = (0, 0.0)
        while place < sorted.count {
            var end = place
            while end < sorted.count, sorted[end].score == sorted[place].score { end += 1 }
            let rank = Double(place + end + 1) / 2
            ranks += rank * Double(sorted[place..<end].count { $0.isMember })
            place = end
        }
        let members = Double(sorted.count { $0.isMember })
        let others = Double(sorted.count) - members
        guard members > 0, others > 0 else { return 0.5 }
        return (ranks - members * (members + 1) / 2) / (members * others)
    }
}
