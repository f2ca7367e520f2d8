internal import Checkpoints
internal import ClusterItems
internal import ClusterMembers
internal import ClusterStandby
internal import ClusterUsers
internal import Dispatch
internal import EventLog
internal import Events
internal import Foundation
internal import Identities
internal import Locking
internal import Logging
internal import LookUps
internal import State
internal import Synchronization

// Partitions that come to one of several engines and go from it, with their users: out of the state's file, the changelog or
// a copy of it.
extension Engine {
    /// Longest that a partition's takeover waits for what others have told of items.
    private static let itemsPatience: Duration = .seconds(5)

    /// On the consumer's thread.
    public func takeOver(_ partitions: Set<Int32>) -> Set<Int32> {
        guard let cluster else { return partitions }
        let (placement, owned, failure) = cluster.shared.withLock { ($0.placement, $0.owned, $0.failure) }
        // Nothing of it would be committed.
        guard failure == nil else { return [] }
        cluster.shared.withLock { $0.missing = $0.missing.filter { partitions.contains($0.key) } }
        var ready = partitions.intersection(owned)
        guard let placement, ready != partitions, itemsAreMerged(cluster) else { return ready }
        giveUpFiled(except: partitions.union(owned), placement, cluster)
        for partition in partitions.subtracting(ready).sorted() {
            do throws(EventLogError) {
                guard try takeOver(partition, placement, cluster) else { continue }
                ready.insert(partition)
                // Its users need not wait until the next one is there.
                announce()
            } catch {
                logger.warning(
                    "a partition cannot be taken over yet",
                    metadata: ["partition": "\(partition)", "error": "\(error)"])
            }
        }
        return ready
    }

    /// Whether all that was told of items until now is merged: users' histories name these items.
    private func itemsAreMerged(_ cluster: ClusterMember) -> Bool {
        let deadline = ContinuousClock.now + Self.itemsPatience
        guard let end = try? cluster.topics.itemsEnd() else { return false }
        while !isStopped {
            if cluster.shared.withLock({ $0.itemsNext ?? 0 }) >= end { return true }
            guard ContinuousClock.now < deadline else { return false }
            Thread.sleep(forTimeInterval: 0.005)
        }
        return false
    }

    /// Users in the state's file whose partitions are somebody else's by now. Not of those that the group has given to somebody who
    /// has not taken them over: what is told of them may be gone, and this file the last to have it.
    private func giveUpFiled(
        except partitions: Set<Int32>, _ placement: UserPlacement, _ cluster: ClusterMember
    ) {
        queue.sync {
            let others = cluster.shared.withLock { shared in
                cluster.confined.filed.keys.filter { partition in
                    shared.directory.owner(of: partition).map { $0.record.member != cluster.member } ?? false
                }
            }
            let gone = Set(others).subtracting(partitions)
            guard !gone.isEmpty else { return }
            letGo(gone, placement, cluster)
        }
    }

    private func takeOver(
        _ partition: Int32, _ placement: UserPlacement, _ cluster: ClusterMember
    ) throws(EventLogError) -> Bool {
        let began = ContinuousClock.now
        // Before the changelog is read: it waits for a transaction that is under way.
        let committed = try cluster.topics.committed(partition)
        func takeOver(from source: PartitionSource) throws(EventLogError) -> Bool {
            try self.takeOver(partition, from: source, committed: committed, since: began, placement, cluster)
        }
        if let filed = sourceOfFile(partition, committed, placement, cluster) {
            return try takeOver(from: filed)
        }
        guard let standby = cluster.standby else {
            guard let source = try sourceOfChangelog(partition, committed, placement, cluster) else {
                return false
            }
            return try takeOver(from: source)
        }
        standby.hold(partition)
        defer { standby.release(partition) }
        if let copy = try source(ofCopy: partition, committed, standby, cluster), try takeOver(from: copy) {
            standby.shared.withLock { $0.takeovers += 1 }
            return true
        }
        // One that was no good is gone by now. Where one is there still, whoever had the partition has not committed yet.
        guard standby.copies.places[partition]?.marker == nil,
            let source = try sourceOfChangelog(partition, committed, placement, cluster)
        else { return false }
        return try takeOver(from: source)
    }

    /// Where what is committed of the partition is just what the file has: nobody was elsewhere meanwhile, and nothing has to be
    /// read. A commit writes its marker and its position together.
    private func sourceOfFile(
        _ partition: Int32, _ committed: CommittedPosition?, _ placement: UserPlacement,
        _ cluster: ClusterMember
    ) -> PartitionSource? {
        queue.sync {
            guard let filed = cluster.confined.filed[partition], filed == committed?.offset,
                let changelog = cluster.confined.filedChangelogs[partition]
            else { return nil }
            let marker = PartitionMarker(
                position: filed, events: state.partitionEvents?[partition] ?? 0,
                partitions: placement.partitions, member: cluster.name, changelog: changelog.name)
            // Asked only where it was given up meanwhile.
            let source = PartitionSource(marker: marker, at: changelog.told, recordsRead: 0) { _, _ in nil }
            return source.belongs(to: committed) ? source : nil
        }
    }

    /// `nil` as long as what the group's offset tells of is not there.
    private func sourceOfChangelog(
        _ partition: Int32, _ committed: CommittedPosition?, _ placement: UserPlacement,
        _ cluster: ClusterMember
    ) throws(EventLogError) -> PartitionSource? {
        var (image, records) = (PartitionImage(), 0)
        var markerOffset: Int64?
        _ = try cluster.topics.readUsers(of: partition, from: nil) {
            image.take(key: $0.key, value: $0.value)
            if RecordKey($0.key) == .marker { markerOffset = $0.offset }
            records += 1
        }
        let source = PartitionSource(image, markerOffset: markerOffset, records: records)
        guard let committed, !source.belongs(to: committed) else { return source }
        return isGone(partition, cluster)
            ? .unknown(
                PartitionMarker(
                    position: committed.offset, events: 0, partitions: placement.partitions,
                    member: cluster.name)) : nil
    }

    /// Whether what was told of a partition's users has been missing for so long that it is gone, and is to be done without. For a
    /// while it may be on its way: a transaction's positions can be seen before its records.
    private func isGone(_ partition: Int32, _ cluster: ClusterMember) -> Bool {
        let (isGone, isNews) = cluster.shared.withLock { shared in
            var missing = shared.missing[partition] ?? ClusterMember.Missing()
            let wasGone = missing.isGone
            missing.isGone = missing.since.duration(to: .now) >= options.cluster.missingPatience
            shared.missing[partition] = missing
            return (missing.isGone, missing.isGone && !wasGone)
        }
        let isSkipped = life.withLock { $0.ingestOptions.consumer.onGap } == .skip
        if isNews {
            let advice =
                isSkipped
                ? "source.on-gap says skip: they are unknown from now on"
                : "stop all daemons and start the one that had the partition last alone: its file has them, and it tells them "
                    + "again; or set source.on-gap: skip, to go on without what was known of them"
            logger.error(
                "what was told of a partition's users is gone: was TOPIC-users deleted and made anew? \(advice)",
                metadata: ["partition": "\(partition)"])
        }
        return isGone && isSkipped
    }

    private func takeOver(
        _ partition: Int32, from source: PartitionSource, committed: CommittedPosition?,
        since began: ContinuousClock.Instant, _ placement: UserPlacement, _ cluster: ClusterMember
    ) throws(EventLogError) -> Bool {
        if let marker = source.marker, marker.partitions != placement.partitions {
            throw EventLogError(
                .invalid,
                "the topic of events has \(placement.partitions) partitions and had \(marker.partitions) when partition "
                    + "\(partition) was learned: users belong to other partitions now")
        }
        // Whoever had it before may be about to commit.
        if let marker = source.marker, let committed, marker.position < committed.offset { return false }
        // Or has just done so: items that these users' histories name were told in the same transaction, after it was first
        // looked how much was told.
        guard itemsAreMerged(cluster) else { return false }
        let preparing = queue.sync { () -> (ArrivalRules, KnownItems)? in
            settle()
            // Items that came since the last commit, too: histories name them.
            cluster.confined.ledger.grow()
            // Where the file stands nobody comes. At once: in between somebody else might be heard who has the partition, and
            // what the file has of it would be given up.
            if source.marker.map({ cluster.hasFiled(partition, $0) }) ?? true {
                adopt(partition, source, Arrivals(), placement, cluster)
                return nil
            }
            return (state.arrivals, KnownItems(rows: cluster.confined.ledger.rows, count: state.stats.count))
        }
        if let (rules, items) = preparing {
            // Beside learning.
            guard let arrivals = source.arrivals(rules, items) else { return false }
            queue.sync {
                settle()
                adopt(partition, source, arrivals, placement, cluster)
            }
        }
        logger.notice(
            "took a partition over",
            metadata: [
                "partition": "\(partition)", "position": "\(source.marker?.position ?? -1)",
                "from-copy": "\(source.isCopy)", "records-read": "\(source.recordsRead)",
                "ms": "\(Int(began.duration(to: .now).milliseconds))",
            ])
        return true
    }

    /// Which of file and changelog stands:
    ///
    /// | changelog | file | stands |
    /// | --- | --- | --- |
    /// | nothing | nothing | the partition is new |
    /// | nothing | a state that was alone | the file; its users are told with the next commit |
    /// | at a position | at the same, of the same changelog | the file |
    /// | at a position | at another, or nothing | the changelog: others may have learned on, and a file is never ahead |
    private func adopt(
        _ partition: Int32, _ source: PartitionSource, _ arrivals: Arrivals, _ placement: UserPlacement,
        _ cluster: ClusterMember
    ) {
        let isFiled = source.marker.map { cluster.hasFiled(partition, $0) } ?? true
        let filed = cluster.confined.filed.removeValue(forKey: partition)
        if let marker = source.marker {
            if !isFiled {
                // Nobody else has users of it here; to look for them takes a pass over all.
                if filed != nil || cluster.confined.isNew { state.letGo(of: [partition], placement) }
                state.recent.remove(partition)
                tell(state.takeIn(arrivals.users), of: partition, cluster)
                state.recent.restore(arrivals.recent)
                // The file has none of it, or what stood there before.
                state.recent.markUnsaved(partition)
                state.logMemory.last[partition] = marker.last
                state.logMemory.anchors[partition] = marker.anchor
            }
            // Whom the file has nobody else can tell of.
            if isFiled, source.isUnknown { state.sayAgain([partition], placement) }
            state.positions[partition] = marker.position
            state.partitionEvents?[partition] = marker.events
            cluster.confined.positions[partition] = marker.position
        } else if cluster.confined.isNew {
            state.sayAgain([partition], placement)
        }
        cluster.confined.changelogs[partition] =
            source.marker?.changelog.map { Changelog(name: $0, told: source.markerOffset) } ?? .new
        let events = state.partitionEvents ?? [:]
        cluster.shared.withLock {
            $0.owned.insert(partition)
            $0.lent.remove(partition)
            $0.missing[partition] = nil
            $0.events = events
        }
        confined.changed = true
        publish()
        refreshSnapshot()
    }

    private func tell(_ outcome: TakenIn, of partition: Int32, _ cluster: ClusterMember) {
        if outcome.malformed > 0 {
            logger.error(
                "users of a partition were left out: their records make no sense",
                metadata: ["partition": "\(partition)", "records": "\(outcome.malformed)"])
        }
        if outcome.unknownItems > 0 {
            logger.error(
                "users who came name items that are not known here, and have lost them: was TOPIC-items kept whole?",
                metadata: ["partition": "\(partition)", "items": "\(outcome.unknownItems)"])
        }
        cluster.shared.withLock { $0.report.usersIn += outcome.users }
    }

    /// After the commit that stands for them.
    func giveUp(_ partitions: [Int32]) {
        guard let cluster, !partitions.isEmpty else { return }
        queue.sync {
            guard let placement = cluster.shared.withLock({ $0.placement }) else { return }
            letGo(Set(partitions), placement, cluster)
        }
    }

    /// In an outage: what is committed of them stays, as in the file of a process that begins anew, and is answered from, until it is
    /// known who has them.
    func lend(_ partitions: [Int32]) {
        guard let cluster else { return }
        queue.sync {
            settle()
            var lent: Set<Int32> = []
            for partition in partitions {
                guard let position = cluster.confined.positions.removeValue(forKey: partition),
                    let changelog = cluster.confined.changelogs.removeValue(forKey: partition)
                else { continue }
                cluster.confined.filed[partition] = position
                cluster.confined.filedChangelogs[partition] = changelog
                lent.insert(partition)
            }
            cluster.shared.withLock {
                $0.owned.subtract(lent)
                $0.lent.formUnion(lent)
            }
            confined.changed = true
            refreshSnapshot()
            logger.notice(
                "the group is out of reach: users of these partitions are answered from what is known",
                metadata: ["partitions": "\(lent.sorted())"])
        }
        giveUp(partitions.filter { partition in !cluster.shared.withLock { $0.lent.contains(partition) } })
    }

    /// Started in an outage: users who are in the state's file are answered from it.
    func lendFiled() {
        guard let cluster else { return }
        queue.sync {
            let filed = Set(cluster.confined.filed.keys)
            let isNews = cluster.shared.withLock { shared in
                guard shared.placement == nil, shared.filedPlacement != nil, shared.lent != filed else {
                    return false
                }
                shared.lent = filed
                return true
            }
            guard isNews else { return }
            refreshSnapshot()
            logger.notice(
                "the group is out of reach: users of these partitions are answered as the state's file has them",
                metadata: ["partitions": "\(filed.sorted())"])
        }
    }

    /// Somebody else has them. On the queue.
    func takeBack(_ partitions: Set<Int32>, _ cluster: ClusterMember) {
        let placement = cluster.shared.withLock { shared in
            // What was said before this process began is no reason to drop what the file has: where the partition comes back
            // and nothing was committed meanwhile, it stands.
            if !shared.hasCaughtUp { shared.lent.subtract(partitions) }
            return shared.hasCaughtUp ? shared.placement : nil
        }
        // What is lent is of these.
        let gone = partitions.intersection(cluster.confined.filed.keys)
        guard let placement, !gone.isEmpty else { return }
        letGo(gone, placement, cluster)
    }

    private func letGo(_ partitions: Set<Int32>, _ placement: UserPlacement, _ cluster: ClusterMember) {
        settle()
        let count = state.letGo(of: partitions, placement)
        for partition in partitions {
            cluster.confined.filed[partition] = nil
            cluster.confined.positions[partition] = nil
            cluster.confined.changelogs[partition] = nil
        }
        let events = state.partitionEvents ?? [:]
        cluster.shared.withLock {
            $0.owned.subtract(partitions)
            $0.lent.subtract(partitions)
            $0.events = events
            $0.report.usersOut += count
        }
        confined.changed = true
        refreshSnapshot()
    }
}
