package import Foundation

/// What a user's signals on an item come to.
@usableFromInline
package struct SignalTally: Equatable, BitwiseCopyable {
    /// Stands still at 65,535.
    package var count: UInt16
    /// Sum of their weights; below 0 where dislikes outweigh.
    package var weight: Float
    /// The same, each faded by `WeightFading` until the last of them.
    @usableFromInline package var faded: Float
    /// Seconds since 1970 of the first and the last by their times.
    package var first: UInt32
    package var last: UInt32

    package init(count: UInt16, weight: Float, faded: Float, first: UInt32, last: UInt32) {
        self.count = count
        self.weight = weight
        self.faded = faded
        self.first = first
        self.last = last
    }

    /// Of milliseconds; times before 1970 and after 2106 are taken for the nearest of these.
    package static func seconds(_ time: Int64) -> UInt32 {
        UInt32(clamping: time >= 0 ? time / 1000 : -1)
    }

    /// Milliseconds since 1970, whole seconds.
    package var firstTime: Int64 { Int64(first) * 1000 }
    package var lastTime: Int64 { Int64(last) * 1000 }
}

/// After how long a signal's weight counts half: by the times of signals, or by what the user did since.
package struct WeightFading: Sendable, Equatable {
    /// Milliseconds, or events of the user that entered the history; 0 never fades.
    package let halfLife: Double
    package let isTimed: Bool

    package static let never = WeightFading(halfLife: 0, isTimed: false)

    package init(halfLife: Double, isTimed: Bool) {
        self.halfLife = halfLife
        self.isTimed = isTimed
    }

    /// What is left after `elapsed` of the unit, which is not below 0.
    fileprivate func factor(_ elapsed: Int64) -> Float {
        halfLife > 0 ? Float(exp2(-Double(elapsed) / halfLife)) : 1
    }
}

extension HistoryEntry {
    /// The pair after another event of it. A rating replaces a rating and leaves the signals as they are; a signal adds to
    /// them, whatever the order they come in: by its own time one that is late counts as if it had come then.
    ///
    /// - Parameter event: as it would stand alone, of the same item.
    package func joined(by event: HistoryEntry, _ fading: WeightFading) -> HistoryEntry {
        guard var tally = signals else { return event.kind == .rating ? event : rated(with: event) }
        var pair = self
        pair.order = event.order
        let ownEvents = max(0, Int64(event.order) - Int64(order))
        if event.kind == .rating {
            pair = event
            if !fading.isTimed { tally.faded *= fading.factor(ownEvents) }
        } else {
            let last = kind == .signal ? time : tally.lastTime
            tally.add(event, elapsed: fading.isTimed ? event.time - last : ownEvents, fading)
            if kind == .signal { pair.takeStrongestAndLatest(of: event) }
        }
        if pair.kind == .signal { tally.last = SignalTally.seconds(pair.time) }
        pair.tally = tally
        return pair
    }

    /// The first signal on what was rated.
    private func rated(with signal: HistoryEntry) -> HistoryEntry {
        var pair = self
        pair.order = signal.order
        pair.tally = signal.signals
        return pair
    }

    private mutating func takeStrongestAndLatest(of signal: HistoryEntry) {
        value = max(value, signal.value)
        // Without two times of their own the later to come stands.
        guard signal.time >= time || !(signal.isTimed && isTimed) else { return }
        (time, isTimed) = (signal.time, signal.isTimed)
    }
}

extension SignalTally {
    /// - Parameter elapsed: from the last one on, in the unit of `fading`; below 0 for one that comes late.
    fileprivate mutating func add(_ signal: HistoryEntry, elapsed: Int64, _ fading: WeightFading) {
        let factor = fading.factor(abs(elapsed))
        faded = elapsed >= 0 ? faded * factor + signal.value : faded + signal.value * factor
        weight += signal.value
        count = count == .max ? .max : count + 1
        let second = Self.seconds(signal.time)
        (first, last) = (min(first, second), max(last, second))
    }
}

// 24 bytes a tally, little-endian: item i32, count u32, weight f32, faded f32, first u32, last u32 (seconds since 1970).
extension History {
    package static let tallyBytes = 24

    /// Of the entries that have one, ascending by item; empty for most histories.
    package var tallyBlob: Data {
        guard hasTallies else { return Data() }
        var data = Data()
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        for entry in entries {
            guard let tally = entry.tally else { continue }
            append(entry.item)
            append(UInt32(tally.count))
            append(tally.weight.bitPattern)
            append(tally.faded.bitPattern)
            append(tally.first)
            append(tally.last)
        }
        return data
    }

    /// The tallies by item; `nil` for what is none.
    static func tallies(_ blob: Data) -> [Int32: SignalTally]? {
        guard blob.count % tallyBytes == 0 else { return nil }
        var tallies: [Int32: SignalTally] = [:]
        tallies.reserveCapacity(blob.count / tallyBytes)
        let isWhole = blob.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: tallyBytes).allSatisfy { start in
                func word(_ offset: Int) -> UInt32 {
                    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + offset, as: UInt32.self))
                }
                guard let count = UInt16(exactly: word(4)) else { return false }
                let tally = SignalTally(
                    count: count, weight: Float(bitPattern: word(8)), faded: Float(bitPattern: word(12)),
                    first: word(16), last: word(20))
                let isNew = tallies.updateValue(tally, forKey: Int32(bitPattern: word(0))) == nil
                return isNew && tally.weight.isFinite && tally.faded.isFinite
            }
        }
        return isWhole ? tallies : nil
    }
}
