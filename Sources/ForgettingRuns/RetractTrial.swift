package import Events
internal import Factors
internal import StreamLearning

/// How far the rows of one event's user and item are from those of a run that never saw the event: with the event, with it
/// taken back, and with it taken back by a step. Each event by itself, for runs that differ by many drift apart everywhere.
package struct RetractTrial {
    /// When the event is taken back.
    package enum When: String, CaseIterable, Sendable {
        case atOnce = "at once"
        case later = "1000 events later"

        var events: Int { self == .atOnce ? 0 : 1_000 }
    }

    /// Mean over events of the distance to the row of the run without, as a share of that row's length.
    package struct Distances: Sendable {
        package var kept = 0.0
        package var forgotten = 0.0
        package var corrected = 0.0
    }

    package struct Line: Sendable {
        package var model: String
        package var when: When
        package var users = Distances()
        package var items = Distances()
    }

    package let lines: [Line]

    /// - Parameters:
    ///   - events: of ratings, in the order of the stream.
    ///   - count: of events that are taken back; each costs eight runs.
    package init(_ events: [Event], count: Int, seed: UInt64, progress: (Int) -> Void = { _ in }) {
        var lines: [Line] = []
        for when in When.allCases {
            var (users, items): ([[[Double]]], [[[Double]]]) = ([[], []], [[], []])
            for (place, number) in Self.choose(events, count, seed).enumerated() {
                progress(place)
                guard let found = Self.distances(events, number, when) else { continue }
                for model in LearnedRows.models.indices {
                    users[model].append(found.users[model])
                    items[model].append(found.items[model])
                }
            }
            for (model, name) in LearnedRows.models.enumerated() {
                lines.append(
                    Line(
                        model: name, when: when, users: Self.mean(users[model]),
                        items: Self.mean(items[model])))
            }
        }
        self.lines = lines
    }

    /// Of what both models learn from, and in the middle of a stream.
    private static func choose(_ events: [Event], _ count: Int, _ seed: UInt64) -> [Int] {
        let fit = events.indices.filter {
            guard case .rating(_, _, let value) = events[$0].kind else { return false }
            return value >= 4 && $0 > events.count / 10 && $0 + When.later.events < events.count
        }
        guard !fit.isEmpty else { return [] }
        var random = KeyedRandom(seed: seed)
        return (0..<count).map { _ in fit[random.next(below: fit.count)] }
    }

    /// By model, of the three runs; `nil` where user or item are new with the event.
    private static func distances(
        _ events: [Event], _ number: Int, _ when: When
    ) -> (users: [[Double]], items: [[Double]])? {
        guard case .rating(let user, let item, _) = events[number].kind else { return nil }
        // Offsets key what is drawn: the same in all runs.
        let all = events[...(number + when.events)].enumerated().map { logged($1, $0) }
        let back = [logged(Event(.retract(user: user, item: item)), all.count)]
        let never = LearnedRows(Array(all[..<number] + all[(number + 1)...]))
        let runs = [LearnedRows(all), LearnedRows(all + back), LearnedRows(all + back, corrects: true)]
        func distances(_ row: (LearnedRows, Int) -> [Float]?) -> [[Double]]? {
            var distances: [[Double]] = []
            for model in LearnedRows.models.indices {
                guard let wanted = row(never, model), length(wanted) > 0 else { return nil }
                distances.append(
                    runs.compactMap { run in
                        row(run, model).map { length(zip($0, wanted).map { $0 - $1 }) / length(wanted) }
                    })
            }
            return distances
        }
        guard let users = distances({ $0.user(user, model: $1) }),
            let items = distances({ $0.item(item, model: $1) })
        else { return nil }
        return (users, items)
    }

    private static func logged(_ event: Event, _ offset: Int) -> LoggedEvent {
        LoggedEvent(token: Token(partition: 0, offset: Int64(offset)), logTime: 0, event: event)
    }

    private static func mean(_ distances: [[Double]]) -> Distances {
        func mean(_ run: Int) -> Double {
            distances.reduce(0) { $0 + $1[run] } / Double(max(1, distances.count))
        }
        return Distances(kept: mean(0), forgotten: mean(1), corrected: mean(2))
    }

    private static func length(_ numbers: [Float]) -> Double {
        numbers.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
}
