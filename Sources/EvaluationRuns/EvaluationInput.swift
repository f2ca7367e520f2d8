import Evaluation
import EventLog
import Events
import Feeding
import Reporting
import Settings

/// What an evaluation reads: events as a stream for `prequential`, as a data set for the rest.
struct EvaluationInput {
    /// In the order of the files, without the descriptions that stand in tables.
    private(set) var events: [Event] = []
    private(set) var badLines = 0
    /// The first few of them.
    private(set) var firstBadLines: [BadLine] = []
    /// What to say of the files, though their events are taken.
    private(set) var warnings: [String] = []
    /// What they say of items and users, which is no event of the stream.
    private(set) var gathering = DescriptionGathering()
    /// Descriptions of tables by item and user, in their order: of whom the stream learns them before the first event.
    private(set) var tables = DescriptionTables()
    /// Events that the filter left out.
    private(set) var filtered = 0
    let signals: [String: Float]
    /// The order is that of a log, in which a daemon would learn, whatever the times say.
    private var isOfLog = false

    /// - Parameters:
    ///   - filter: ratings that it does not take are left out; signals stay.
    ///   - onBadLine: hears of each line that is no event.
    ///   - goesOn: called for each line; an error ends it.
    /// - Throws: `EventFileError`; `CommandError` where there are no events.
    init(
        paths: [String], format: EventFile.Format?, filter: ModelSettings.Positive, options: EventOptions,
        onBadLine: (BadLine) -> Void, goesOn: () throws -> Void = {}
    ) throws {
        signals = options.signals
        var merging = DescriptionMerging()
        for (number, path) in paths.enumerated() {
            let file = try EventFile.open(path, format: format, options: options)
            while let entry = try file.next() {
                try goesOn()
                switch entry {
                case .bad(let line):
                    badLines += 1
                    if firstBadLines.count < 3 { firstBadLines.append(line) }
                    onBadLine(line)
                case .event(let event):
                    take(merging.merged(event, ofFile: number), filter, isOfFile: true)
                }
            }
            warnings += file.warnings
        }
        try requireEvents(paths)
    }

    /// The events of a log, in its order, up to a moment or all that is there. Nobody is told that they were read.
    ///
    /// - Throws: `EventLogError` where the log does not hold them; `CommandError` where there are none; else as above.
    init(
        _ log: any HistoricalLog, until moment: LogMoment?, filter: ModelSettings.Positive,
        options: EventOptions, onBadLine: (String) -> Void, goesOn: () throws -> Void = {}
    ) throws {
        signals = options.signals
        isOfLog = true
        let ends = try moment?.ends(in: log)
        let history = try log.history(LogRange(to: ends.map { LogRange.Bound.offsets($0) } ?? .whole))
        defer { history.close() }
        let decoder = EventDecoder(options: options)
        var batch = LogBatch()
        while try history.poll(into: &batch, recordsMax: 8_192, timeout: .milliseconds(100)) {
            try goesOn()
            batch.forEach { record, payload in
                guard !record.isTombstone else { return }
                do throws(EventError) {
                    var event = try decoder.decode(payload)
                    event.time = event.time ?? record.time
                    take(event, filter)
                } catch {
                    badLines += 1
                    onBadLine("record \(record.token): \(error)")
                }
            }
            batch.removeAll()
        }
        try requireEvents([log.name])
    }

    private func requireEvents(_ paths: [String]) throws {
        guard events.contains(where: { $0.item != nil && !$0.isDescription }) else {
            let names = paths.map { "'\($0)'" }.joined(separator: ", ")
            let left = filtered > 0 ? " that --filter takes" : ""
            throw CommandError(
                "\(names): no ratings or signals\(left); there is nothing to evaluate on", code: .data)
        }
    }

    /// - Parameter isOfFile: not of a log, in which descriptions have their places.
    private mutating func take(
        _ event: Event, _ filter: ModelSettings.Positive, isOfFile: Bool = false
    ) {
        switch event.kind {
        case .item(let description):
            gathering.take(description, time: event.time)
            if isOfFile { tables.take(event) } else { events.append(event) }
        case .user(let description):
            gathering.take(description, time: event.time)
            if isOfFile { tables.take(event) } else { events.append(event) }
        case .rating(_, _, let value) where !filter.takes(rating: value): filtered += 1
        default: events.append(event)
        }
    }

    /// In the order of time; events without one stay behind the one they followed. Those of a log in its own.
    var stream: [Event] { isOfLog ? events : FeedSource.inOrderOfTime(events) }

    /// The same with what tables say of an item, or a user, in front of the first event that names it: as if it came just then.
    ///
    /// - Parameter first: all of it in front of the first event instead.
    func describedStream(first: Bool) -> [Event] {
        first ? tables.all(in: stream) + stream : tables.placed(in: stream)
    }

    func dataset(positive: ModelSettings.Positive) -> Dataset {
        var builder = DatasetBuilder()
        for event in events {
            switch event.kind {
            case .rating(let user, let item, let value):
                builder.add(
                    user: user.string, item: item.string, value: value, time: event.time, isRating: true,
                    isPositive: positive.takes(rating: value))
            case .signal(let user, let item, let name):
                let weight = signals[name] ?? 0
                builder.add(
                    user: user.string, item: item.string, value: weight, time: event.time, isRating: false,
                    isPositive: weight > 0)
            case .retract(let user, let item):
                builder.retract(user: user.string, item: item.string, time: event.time)
            case .forget(let user): builder.forget(user: user.string, time: event.time)
            case .item, .user, .hide, .unhide, .promote: break
            }
        }
        return builder.build()
    }
}

extension ModelSettings.Positive {
    func takes(rating: Float) -> Bool {
        switch ratings {
        case .any: true
        case .atLeast(let bound): rating >= Float(bound)
        case .above(let bound): rating > Float(bound)
        }
    }
}
