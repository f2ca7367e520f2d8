import CRdKafka
import EventLog
import Events
import Logging

/// Partitions that were assigned begin to be fetched only once it is clear where, and that the log is the one that the
/// state was learned from. What the broker does not answer in time is asked again with a later poll.
extension KafkaConsumer {
    private static let answerMilliseconds: Int32 = 1_000
    private static let patience: Duration = .seconds(2)
    private static let retryInterval: Duration = .milliseconds(500)
    /// How often the log is looked at again while it is consumed.
    private static let confirmationInterval: Duration = .seconds(5)
    private static let confirmationPatience: Duration = .milliseconds(250)

    func settle() {
        guard failure == nil, !hasBegun || !unsettled.isEmpty, .now >= nextSettlement else { return }
        nextSettlement = .now + Self.retryInterval
        guard begin(), !unsettled.isEmpty else { return }
        let ready = delegate.takeOver(unsettled)
        guard !ready.isEmpty else { return }
        let memory = delegate.logMemory
        let identity = client.identity
        let isSame = LogContinuity.isSame(memory.identity, identity)
        var stands: [Int32: LogContinuity.Stand] = [:]
        var starts: [Int32: Int64] = [:]
        for partition in ready {
            if let next = delegate.position(of: partition) {
                stands[partition] = .init(next: next, learned: memory.learned(partition))
            } else if let origin = memory.origins?[partition] {
                delegate.began(partition: partition, at: origin)
                starts[partition] = origin
            } else {
                starts[partition] = Int64(RD_KAFKA_OFFSET_BEGINNING)
            }
        }
        if isSame {
            starts.merge(verified(stands)) { $1 }
        } else {
            let difference = EventLogError.otherLog(
                kafka.name,
                "the cluster has the id '\(identity ?? "")', the state's was '\(memory.identity ?? "")'",
                thing: "topic")
            for (partition, extent) in extents(of: Array(stands.keys)) {
                starts[partition] = restart(partition, at: extent.earliest, difference)
            }
        }
        guard failure == nil else { return }
        if let identity, isSame || starts.count == ready.count { delegate.recognised(identity) }
        begin(fetching: starts, memory)
    }

    private func begin(fetching starts: [Int32: Int64], _ memory: LogMemory) {
        guard !starts.isEmpty else { return }
        unsettled.subtract(starts.keys)
        for partition in starts.keys {
            anchors[partition] = memory.anchors[partition]
            newest[partition] = nil
        }
        wanted.merge(starts) { $1 }
        place(starts)
    }

    // MARK: - The first contact

    /// Makes known to the state which partitions it begins with; false without an answer.
    private func begin() -> Bool {
        if hasBegun { return true }
        if delegate.logMemory.origins == nil {
            guard let origins = origins() else { return false }
            delegate.began(origins)
        }
        hasBegun = true
        return true
    }

    /// The starts that are not those of the first record; `nil` without an answer.
    private func origins() -> [Int32: Int64]? {
        switch client.partitions(of: kafka.topic, milliseconds: Self.answerMilliseconds) {
        case .noAnswer: return nil
        case .missing: return [:]
        case .there(let partitions):
            switch options.start {
            case .earliest: return [:]
            case .latest: return ends(of: partitions)
            case .time(let time): return offsets(of: partitions, at: time)
            }
        }
    }

    private func ends(of partitions: [Int32]) -> [Int32: Int64]? {
        let extents = extents(of: partitions)
        return extents.count == partitions.count ? extents.mapValues(\.end) : nil
    }

    /// The end where no record is as late.
    private func offsets(of partitions: [Int32], at time: Int64) -> [Int32: Int64]? {
        let list = PartitionList(
            topic: kafka.topic, Dictionary(uniqueKeysWithValues: partitions.map { ($0, time) }))
        // Takes times in, and gives offsets out.
        let error = rd_kafka_offsets_for_times(client.handle, list.pointer, Self.answerMilliseconds)
        let failed = list.elements.first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }?.err ?? error
        guard failed == RD_KAFKA_RESP_ERR_NO_ERROR else {
            health.note(
                "the offsets at time \(time) (source.kafka.start) are not known yet: \(rdKafkaText(failed))")
            return nil
        }
        var offsets = Dictionary(uniqueKeysWithValues: list.elements.map { ($0.partition, $0.offset) })
        let none = offsets.filter { $0.value < 0 }.map(\.key)
        guard let ends = ends(of: none) else { return nil }
        offsets.merge(ends) { $1 }
        return offsets
    }

    // MARK: - Whether it is the same log

    /// Of those that have answered, where to go on.
    private func verified(_ stands: [Int32: LogContinuity.Stand]) -> [Int32: Int64] {
        let extents = extents(of: Array(stands.keys))
        guard let found = found(stands, extents, patience: Self.patience) else { return [:] }
        var starts: [Int32: Int64] = [:]
        for (partition, extent) in extents.sorted(by: { $0.key < $1.key }) {
            guard let stand = stands[partition] else { continue }
            starts[partition] = start(partition, stand, extent, found: found[partition] ?? [])
        }
        return starts
    }

    /// Where to go on after a verdict; `nil` where a person has to act.
    func start(
        _ partition: Int32, _ stand: LogContinuity.Stand, _ extent: LogContinuity.Extent,
        found: [RecordFingerprint]
    ) -> Int64? {
        let holds = "the broker holds \(extent.earliest) to \(extent.end)"
        switch LogContinuity.judge(stand, extent, found: found) {
        case .continues: return stand.next
        case .gap(let earliest):
            guard options.onGap == .skip else {
                failure = .gap(kafka.name, partition, next: stand.next, holds: holds, thing: "topic")
                return nil
            }
            logger.warning(
                "\(kafka.name), partition \(partition): skipping offsets \(stand.next) to \(earliest)")
            delegate.skipped(partition: partition, from: stand.next, to: earliest)
            return earliest
        case .tooShort:
            return restart(
                partition, at: extent.earliest,
                .tooShort(kafka.name, partition, next: stand.next, extent, thing: "topic"))
        case .differs(let offset):
            return restart(
                partition, at: extent.earliest,
                .otherRecord(kafka.name, partition, at: offset, thing: "topic"))
        }
    }

    /// The topic was made anew: all that it holds is new.
    private func restart(_ partition: Int32, at earliest: Int64, _ difference: EventLogError) -> Int64? {
        guard options.onGap == .skip else {
            failure = failure ?? difference
            return nil
        }
        logger.warning("\(difference.message). Going on at its beginning, offset \(earliest)")
        delegate.restarted(partition: partition, at: earliest)
        anchors[partition] = nil
        newest[partition] = nil
        return earliest
    }

    /// Of those that have answered in time.
    private func extents(of partitions: [Int32]) -> [Int32: LogContinuity.Extent] {
        var extents: [Int32: LogContinuity.Extent] = [:]
        // Those that did not answer last time come last: what is led by a broker that is away does not hold up the others.
        let order = partitions.sorted { one, other in
            let (isFirst, isSecond) = (unanswered.contains(one), unanswered.contains(other))
            return isFirst == isSecond ? one < other : isSecond
        }
        for partition in order {
            guard
                let (earliest, end) = client.queryWatermarks(
                    topic: kafka.topic, partition: partition, milliseconds: Self.answerMilliseconds)
            else {
                // The rest is asked with a later poll: each would take as long.
                unanswered.insert(partition)
                break
            }
            unanswered.remove(partition)
            extents[partition] = .init(earliest: earliest, end: end)
        }
        return extents
    }

    /// Of the records that were learned, those that stand there now; `nil` without a whole answer.
    private func found(
        _ stands: [Int32: LogContinuity.Stand], _ extents: [Int32: LogContinuity.Extent], patience: Duration
    ) -> [Int32: [RecordFingerprint]]? {
        var witnesses: [Int32: [Int64]] = [:]
        for (partition, extent) in extents {
            witnesses[partition] = stands[partition].map { LogContinuity.witnesses(of: $0, in: extent) }
        }
        var found: [Int32: [RecordFingerprint]] = [:]
        for round in 0..<(witnesses.values.map(\.count).max() ?? 0) {
            let offsets = witnesses.compactMapValues { round < $0.count ? $0[round] : nil }
            guard let records = reader()?.read(offsets, patience: patience) else { return nil }
            for (partition, record) in records { found[partition, default: []].append(record) }
        }
        return found
    }

    // MARK: - While it is consumed

    /// A topic may be deleted and made anew between two fetches, and librdkafka 2.0 does not know topics' ids. So an
    /// older record is read again now and then, and only once that is seen to be there still, a newer one takes its
    /// place.
    func confirm() {
        guard failure == nil, unsettled.isEmpty, .now >= nextConfirmation else { return }
        nextConfirmation = .now + Self.confirmationInterval
        let upTo = newest
        var stands: [Int32: LogContinuity.Stand] = [:]
        for (partition, record) in upTo where wanted[partition] != nil {
            if let anchor = anchors[partition] {
                guard anchor != record else { continue }
                stands[partition] = .init(next: 0, learned: [anchor])
            } else {
                confirmed(partition, record)
            }
        }
        guard !stands.isEmpty else { return }
        let extents = stands.mapValues { _ in LogContinuity.Extent(earliest: 0, end: .max) }
        guard let found = found(stands, extents, patience: Self.confirmationPatience) else { return }
        for (partition, stand) in stands {
            let verdict = LogContinuity.judge(
                stand, .init(earliest: 0, end: .max), found: found[partition] ?? [])
            if case .differs(let offset) = verdict {
                exchanged(partition, at: offset)
            } else if let record = upTo[partition] {
                confirmed(partition, record)
            }
        }
    }

    private func confirmed(_ partition: Int32, _ record: RecordFingerprint) {
        anchors[partition] = record
        delegate.confirmed(partition: partition, anchor: record)
    }

    private func exchanged(_ partition: Int32, at offset: Int64) {
        guard let extent = extents(of: [partition])[partition] else { return }
        let difference = EventLogError.otherRecord(kafka.name, partition, at: offset, thing: "topic")
        guard let earliest = restart(partition, at: extent.earliest, difference) else { return }
        held.drop([partition])
        move(partition, to: earliest)
    }
}
