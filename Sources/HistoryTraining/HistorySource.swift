import EventLog
import Events
import Feeding
import Foundation
import Reporting

/// Reads history into a state that is to be trained, and says what was found on the way.
struct HistorySource {
    private(set) var events = 0
    /// Lines or records that were no events.
    private(set) var bad = 0
    /// Events with a time before that of the event in front of them.
    private(set) var backwards = 0
    private(set) var endedInMidLine: [String] = []
    /// The first few lines of files that were no events.
    private(set) var firstBadLines: [BadLine] = []
    private var lastTime = Int64.min
    private var progress: EventProgress
    private let interruption: Interruption

    init(progress: EventProgress, interruption: Interruption) {
        self.progress = progress
        self.interruption = interruption
    }

    // MARK: - Files

    mutating func read(
        files: FeedSource.Options, events options: EventOptions, into builder: StateBuilder
    ) throws {
        var report = BadLineReport(progress: progress)
        let interruption = interruption
        var source = try FeedSource(
            files, events: options, isCancelled: { interruption.isRaised() }, onBadLine: { report.say($0) })
        // For events without a time: as if they had been fed to a daemon now.
        let now = WallClock.system.milliseconds
        while let event = try source.next() {
            try interruption.check()
            note(event.time)
            builder.take(event, time: now)
            progress.update(events: events, fraction: source.fraction)
        }
        try interruption.check()
        builder.finishHistory()
        progress.clear()
        (bad, endedInMidLine) = (source.badLines, source.endedInMidLine)
        firstBadLines = source.firstBadLines
        source.warnings.forEach { Terminal.writeError($0) }
        for path in endedInMidLine {
            Terminal.writeError("\(path): the last line has no line break; is the copy complete?")
        }
    }

    // MARK: - The log

    /// Reads the range and leaves the state at its end. Malformed records are put aside in `log`, and not yet durable.
    mutating func read(
        _ range: LogRange, of log: any HistoricalLog, events options: EventOptions, strict: Bool,
        into builder: StateBuilder
    ) throws {
        let history = try log.history(range)
        defer { history.close() }
        let decoder = EventDecoder(options: options)
        var report = BadLineReport(progress: progress)
        var batch = LogBatch()
        while try history.poll(into: &batch, recordsMax: 8_192, timeout: .milliseconds(100)) {
            try interruption.check()
            try batch.forEach { record, payload in
                guard !record.isTombstone else { return builder.countTombstone(record.token) }
                do throws(EventError) {
                    let event = try decoder.decode(payload)
                    note(event.time ?? record.time)
                    builder.take(event, token: record.token, time: record.time)
                } catch {
                    bad += 1
                    if strict { throw CommandError("record \(record.token): \(error)", code: .data) }
                    report.say("record \(record.token): \(error)")
                    builder.countDeadLetter(record.token)
                    log.putAside(
                        DeadLetter(
                            token: record.token, time: record.time, reason: error.description,
                            payload: Array(payload)))
                }
            }
            batch.removeAll()
            progress.update(events: events, fraction: history.fractionRead)
        }
        builder.stand(at: history.positions, of: history.memory)
        progress.clear()
    }

    private mutating func note(_ time: Int64?) {
        events += 1
        guard let time else { return }
        if time < lastTime { backwards += 1 }
        lastTime = time
    }
}

/// Ends the work in order when somebody asks for it.
struct Interruption: Sendable {
    /// Asked again and again.
    let isRaised: @Sendable () -> Bool

    func check() throws(CommandError) {
        if isRaised() { throw CommandError("interrupted; nothing is written") }
    }
}
