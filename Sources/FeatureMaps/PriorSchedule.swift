/// After which events a solution's rows move: functions of the ordinal after which it was begun, and of nothing else, so that
/// a state learned anew is the same, however quick the machine is and wherever batches are cut.
struct PriorSchedule: Sendable, Equatable {
    /// Portions that rows move in, at most.
    static let portions: Int64 = 32
    /// Ordinal of the event after which the first rows move; whoever comes there waits for the solution.
    let start: Int64
    /// Events from one portion to the next.
    let stride: Int64

    /// - Returns: `nil` of numbers that cannot be.
    init?(start: Int64, stride: Int64) {
        guard start > 0, stride > 0 else { return nil }
        (self.start, self.stride) = (start, stride)
    }

    /// All rows have moved in three eighths of the events from one solution to the next.
    init(begun due: Int64, next: Int64, lagMax: Int64) {
        let lag = max(0, min(lagMax, (next - due) / 4))
        (start, stride) = (max(1, due + lag), max(1, lag / (2 * Self.portions)))
    }

    /// Rows that move together, of `all` that there are.
    static func portion(of all: Int, least: Int) -> Int {
        max(least, (all + Int(portions) - 1) / Int(portions))
    }

    /// Rows that have moved once the event of this ordinal is learned.
    func rows(moved ordinal: Int64, portion: Int) -> Int {
        ordinal < start ? 0 : (Int(min(Self.portions - 1, (ordinal - start) / stride)) + 1) * portion
    }

    /// Ordinal of the event after which more than `rows` have moved.
    func next(after rows: Int, portion: Int) -> Int64 {
        let (ordinal, isTooFar) = stride.multipliedReportingOverflow(by: Int64(rows / portion))
        return isTooFar ? .max : start.addingReportingOverflow(ordinal).partialValue
    }
}

extension ItemPriors {
    /// Whether something is to be done after the event of this ordinal.
    package func hasWork(at ordinal: Int64) -> Bool { ordinal >= nextMove || isDue(ordinal) }

    /// Ordinal of the event after which the next rows move.
    private var nextMove: Int64 { pending?.nextMove ?? .max }

    /// Whether rows are to be summed up for new maps after the event of this ordinal: a function of the ordinal alone.
    package func isDue(_ ordinal: Int64) -> Bool {
        guard options.isOn else { return false }
        if ordinal >= options.eventsMax { return ordinal % options.eventsMax == 0 }
        return ordinal >= options.eventsMin && ordinal % options.eventsMin == 0
            && (ordinal / options.eventsMin).nonzeroBitCount == 1 && isEarly(ordinal)
    }

    /// Whether the ordinal is one of those that are doubled. The last of these is followed by four to eight times as many events.
    private func isEarly(_ ordinal: Int64) -> Bool { ordinal <= options.eventsMax / 4 }

    /// Whether so many events, of any kind, say anything of as many features as there are. Of less a solution costs as much, and hardly
    /// moves a row: all weights are small beside λ.
    package func saysAnything(after ordinal: Int64) -> Bool {
        let features = min(options.featuresMax, carriers.count { $0 >= options.itemsMin })
        return ordinal >= options.eventsPerFeature * Int64(features)
    }

    /// The last such ordinal behind `before`, up to `now`: where events are counted that others have learned, ordinals are
    /// passed over.
    package func lastDue(after before: Int64, upTo now: Int64) -> Int64? {
        guard options.isOn else { return nil }
        if now >= options.eventsMax {
            let last = now / options.eventsMax * options.eventsMax
            return last > before ? last : nil
        }
        var (last, next): (Int64?, Int64) = (nil, options.eventsMin)
        while next <= now, isEarly(next) {
            if next > before { last = next }
            next *= 2
        }
        return last
    }

    /// The first such ordinal behind this one.
    private func nextDue(after ordinal: Int64) -> Int64 {
        if ordinal >= options.eventsMax { return (ordinal / options.eventsMax + 1) * options.eventsMax }
        var next = options.eventsMin
        while next <= ordinal { next *= 2 }
        return isEarly(next) ? next : options.eventsMax
    }

    func schedule(begun due: Int64) -> PriorSchedule {
        PriorSchedule(begun: due, next: nextDue(after: due), lagMax: options.lagMax)
    }
}
