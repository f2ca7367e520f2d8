internal import Learners

// What changes may say at most. Their checksum says that they are as they were sent, not that whoever sent them was sound: one number
// that is none, or that is absurd, would spread to every machine, and into its state.
extension ItemChanges {
    /// - Throws: where a number is none that a machine learns.
    func check() throws(WireError) {
        let isSound =
            Bound.isCount(events) && Bound.isMoment(sequence) && Bound.isCount(ratings.count)
            && Bound.isSum(ratings.sum) && Bound.isSum(ratings.squares) && ratings.squares >= 0
            && items.allSatisfy(\.isSound)
            && models.allSatisfy(\.isSound)
        guard isSound else { throw WireError(description: "it has numbers that nobody learns") }
    }
}

private enum Bound {
    /// Events of all machines together, over years.
    static func isCount(_ value: Int64) -> Bool { (0...1 << 40).contains(value) }
    static func isDifference(_ value: Int32) -> Bool { value.magnitude <= 1 << 30 }
    /// Ordinals and milliseconds: what another is taken from stays a number.
    static func isMoment(_ value: Int64) -> Bool { value.magnitude <= 1 << 56 }
    static func isMoment(_ value: Int64?) -> Bool { value.map(isMoment) ?? true }
    /// Added up a thousand times it is still what a state may hold (`StoredNumber`).
    static func isNumber(_ value: Double) -> Bool { abs(value) < 0x1p43 }
    static func isNumber(_ value: Float) -> Bool { isNumber(Double(value)) }
    /// What was counted, and only fades since.
    static func isWeight(_ value: Float) -> Bool { value >= 0 && isNumber(value) }
    static func isSum(_ value: Double) -> Bool { abs(value) < 0x1p90 }
}

extension ItemChange {
    fileprivate var isSound: Bool {
        stats.map(\.isSound) ?? true && description.map(\.isSound) ?? true && parts.allSatisfy(\.isSound)
    }
}

extension StatsChange {
    fileprivate var isSound: Bool {
        Bound.isDifference(users) && Bound.isDifference(ratings) && Bound.isNumber(ratingSum)
            && Bound.isMoment(lastEvent)
    }
}

extension DescriptionChange {
    fileprivate var isSound: Bool { [titleAt, tagsAt, availableAt].allSatisfy { Bound.isMoment($0) } }
}

extension ItemPart {
    fileprivate var isSound: Bool {
        Bound.isDifference(positives) && counts.map(\.isSound) ?? true && fading.map(\.isSound) ?? true
            && row.map(\.isSound) ?? true
    }
}

extension CountsChange {
    fileprivate var isSound: Bool {
        Bound.isNumber(popular) && Bound.isNumber(trend) && Bound.isMoment(age)
    }
}

extension FadingChange {
    fileprivate var isSound: Bool {
        (0..<4).allSatisfy { Bound.isNumber(gains[$0]) } && Bound.isMoment(age) && Bound.isMoment(time)
    }
}

extension RowChange {
    fileprivate var isSound: Bool { [scale, bias, step].allSatisfy { Bound.isNumber($0) } }
}

extension ModelChange {
    fileprivate var isSound: Bool {
        followings.allSatisfy(\.gain.isSound)
            && transitions.allSatisfy { Bound.isNumber($0.weight) && Bound.isMoment($0.time) }
            && retakes.allSatisfy { Bound.isNumber($0.taken) && Bound.isNumber($0.exposed) }
            && steps.allSatisfy { $0.allSatisfy { Bound.isNumber($0) } }
    }
}

extension SuccessorGain {
    fileprivate var isSound: Bool {
        count >= 0 && Bound.isDifference(count) && Bound.isWeight(sum) && Bound.isWeight(nearSum)
            && Bound.isMoment(time)
            && entries.allSatisfy { Bound.isWeight($0.weight) && Bound.isWeight($0.near) }
    }
}

extension FixedWidthInteger {
    /// The sum, or the nearest there is to it.
    func addingClamped(_ other: Self) -> Self {
        let (sum, isOver) = addingReportingOverflow(other)
        guard isOver else { return sum }
        return other > 0 ? .max : .min
    }
}
