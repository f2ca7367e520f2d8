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

// One of several engines that learn one log, each its partitions' users.
//
// A commit is one transaction of Kafka: what was learned of items since the last one, what has changed of users, and up to
// which position of each partition that is. Then the same cut goes into the state's file. So the file is never ahead of Kafka.
// Whoever has a partition next begins with what was committed; what was learned and not committed is learned again there,
// and nobody has heard of it.
extension Engine {
    /// Of a record of what is told of items: what brokers take where nothing else is asked of them, with room to spare.
    private static let pieceBytesMax = 800_000
    /// Between two tries to reach the topics.
    private static let retryInterval = 1.0

    // MARK: - What others tell of items

    func startCluster() {
        guard let cluster else { return }
        cluster.isStarted.store(true, ordering: .releasing)
        // A process that was killed may have left one.
        if !options.cluster.imagePath.isEmpty { StateFile.remove(options.cluster.imagePath) }
        let thread = Thread { [self] in
            followCluster(cluster)
            cluster.finished.signal()
        }
        thread.name = "freshet.cluster"
        thread.start()
        startStandby(cluster)
        startAnnouncing(cluster)
    }

    func stopCluster() {
        guard let cluster else { return }
        cluster.stopping.store(true, ordering: .releasing)
        queue.sync { cluster.confined.timer?.cancel() }
        guard cluster.isStarted.load(ordering: .acquiring) else { return }
        cluster.makingImage.wait()
        cluster.finished.wait()
        if let standby = cluster.standby {
            cluster.standbyFinished.wait()
            standby.copies.close()
        }
    }

    private func followCluster(_ cluster: ClusterMember) {
        var isKnown = false
        while !cluster.stopping.load(ordering: .acquiring) {
            do throws(EventLogError) {
                let partitions = try cluster.topics.open(member: cluster.name)
                cluster.shared.withLock { $0.reach(partitions: partitions) }
                isKnown = false
                try requireBeginning(cluster)
                return try readItems(cluster)
            } catch {
                guard error.code == .unreachable else { return failCluster(error) }
                // Once: how the log is doing says the rest.
                logger.log(
                    level: isKnown ? .debug : .warning, "the cluster's topics cannot be reached yet",
                    metadata: ["error": "\(error)"])
                isKnown = true
                lendFiled()
                Thread.sleep(forTimeInterval: Self.retryInterval)
            }
        }
    }

    private func readItems(_ cluster: ClusterMember) throws(EventLogError) {
        while true {
            let next = cluster.shared.withLock { $0.itemsNext }
            do throws(EventLogError) {
                return try cluster.topics.readItems(from: next) { values, next, isEnd in
                    if !values.isEmpty || isEnd { takeItems(values, upTo: next, isEnd: isEnd, cluster) }
                    return !cluster.stopping.load(ordering: .acquiring)
                }
            } catch {
                // The topics stay open: whoever opens them again takes back what is being committed.
                guard error.code == .gap else { throw error }
                guard goOnBehindGap(error, cluster) else { return }
            }
        }
    }

    private func takeItems(
        _ values: [[UInt8]], upTo next: Int64, isEnd: Bool, _ cluster: ClusterMember
    ) {
        if !values.isEmpty {
            queue.sync {
                settle()
                for value in values where !value.isEmpty && !ItemImagePiece.isOne(value) {
                    if MemberRecord.isOne(value) {
                        takeRecord(value, cluster)
                    } else {
                        merge(value, cluster)
                        // Of records alone there is nothing to keep: what they say is soon said anew.
                        confined.changed = true
                    }
                }
                cluster.confined.itemsNext = next
                if backlog.events == 0 {
                    publish()
                    refreshSnapshot()
                }
            }
        }
        cluster.shared.withLock {
            $0.itemsNext = next
            if isEnd { $0.hasCaughtUp = true }
            $0.report.bytesReceived += values.reduce(0) { $0 + $1.count }
        }
    }

    private func merge(_ value: [UInt8], _ cluster: ClusterMember) {
        do throws(WireError) {
            let changes = try ItemChanges(value)
            if changes.origin == cluster.member {
                // What this process has told it knows; so does the file what it was written after. What a process before
                // told and the file does not know was committed with the positions that are gone on from.
                if changes.life == cluster.life || changes.sequence <= cluster.confined.sequence { return }
                cluster.confined.ledger.follow(changes.sequence)
            } else if let known = cluster.confined.included[changes.origin], changes.sequence <= known {
                return
            }
            guard let outcome = cluster.confined.ledger.merge(changes) else {
                throw WireError(description: "its models, or their settings, are others than here")
            }
            confined.unpublished.add(outcome.changedItems, stats: outcome.changedStats)
            confined.unpublished.addDrawn(outcome.drawnItems)
            cluster.shared.withLock {
                $0.report.refused += outcome.unknown + outcome.rejected
                let events = $0.report.peers[changes.origin]?.events ?? 0
                $0.report.peers[changes.origin] = (at: .now, events: events + changes.events)
            }
        } catch {
            let isFirst = cluster.shared.withLock {
                $0.report.refused += 1
                return $0.report.refused == 1
            }
            guard isFirst else { return }
            logger.error(
                "what another member tells of items cannot be taken", metadata: ["error": "\(error)"])
        }
    }

    /// This process must not go on: it ends, and begins anew from what is committed.
    func failCluster(_ error: EventLogError) {
        cluster?.shared.withLock { $0.failure = $0.failure ?? error.message }
        fail(error)
    }

    /// The same in an outage: until it is over look-ups are answered here, as they would not be by a process that begins anew.
    func failClusterOnceReachable(_ error: EventLogError) {
        guard let cluster else { return }
        cluster.shared.withLock { $0.failure = $0.failure ?? error.message }
        logger.warning(
            "this daemon must be started again; look-ups go on until the cluster's topics can be reached for that",
            metadata: ["error": "\(error.message)"])
        let thread = Thread { [self] in
            while !cluster.stopping.load(ordering: .acquiring) {
                if (try? cluster.topics.itemsEnd()) != nil { return fail(error) }
                Thread.sleep(forTimeInterval: Self.retryInterval)
            }
        }
        thread.name = "freshet.outage"
        thread.start()
    }

    // MARK: - Commits

    /// What the checkpoint that begins now has to commit; `nil` where there is nobody to tell. On the queue, before the state
    /// is frozen.
    func prepareClusterCommit() -> ClusterCommit? {
        guard let cluster else { return nil }
        let (placement, owned) = cluster.shared.withLock { ($0.placement, $0.owned) }
        guard let placement else {
            cluster.confined.ledger.looksAtAll = true
            return nil
        }
        let changes = cluster.confined.ledger.takeChanges()
        if !changes.isEmpty {
            let pieces = changes.pieces(bytesMax: Self.pieceBytesMax)
            cluster.confined.ledger.advance(by: pieces.count - 1)
            cluster.confined.waiting += pieces.map(\.encoded)
        }
        let held = cluster.confined.ledger.held
        cluster.shared.withLock { $0.report.held = held }
        let filed = cluster.confined.filed
        var membership = Membership(
            member: cluster.member, sequence: cluster.confined.ledger.sequence,
            partitions: placement.partitions, itemsNext: cluster.confined.itemsNext,
            // Those that it is not clear yet who has are in the file too.
            owned: filed.merging(state.positions.filter { owned.contains($0.key) }) { $1 },
            events: (state.partitionEvents ?? [:]).filter {
                owned.contains($0.key) || filed[$0.key] != nil
            },
            changelogs: cluster.confined.filedChangelogs.filter { filed[$0.key] != nil }.merging(
                cluster.confined.changelogs.filter { owned.contains($0.key) }
            ) { $1 },
            promotion: cluster.confined.promotion)
        membership.included = cluster.confined.included.isEmpty ? nil : cluster.confined.included
        membership.newestImage = cluster.shared.withLock { $0.image }
        state.membership = try? JSONEncoder().encode(membership)
        let forgotten = (state.forgottenIDs ?? []).map(\.string)
        state.forgottenIDs = []
        return ClusterCommit(
            placement: placement, member: cluster.name, record: record(cluster, at: state.positions),
            items: cluster.confined.waiting,
            hashes: cluster.confined.ledger.hashes, known: state.imported, forgotten: forgotten,
            models: state.models.map(\.options.name), owned: owned, events: state.partitionEvents ?? [:],
            before: cluster.confined.positions, changelogs: cluster.confined.changelogs,
            memory: state.logMemory)
    }

    /// On the checkpoint's queue, before the state's file is written.
    func commitToCluster(
        _ commit: ClusterCommit, _ head: StateDelta, _ pages: [StateDelta]
    ) throws(StateError) {
        guard let cluster else { return }
        if let failure = cluster.shared.withLock({ $0.failure }) { throw StateError(.unwritable, failure) }
        let users = try records(commit, head, pages)
        let offsets = head.positions.filter { commit.owned.contains($0.key) }
        // Nothing has happened that anybody has to know.
        if users.isEmpty, commit.items.isEmpty, offsets == commit.before, !isDue(cluster) { return }
        var records = commit.items.map {
            // No two have one key: of each the topic has to keep what it said.
            ClusterRecord(.items, key: Array("\(commit.member)/\(ItemHash.of($0))".utf8), value: $0)
        }
        // Behind the items of which it says that they are told.
        records.append(ClusterRecord(.items, key: commit.record.key, value: commit.record.encoded))
        records += users.map { ClusterRecord(.users(partition: $0.partition), key: $0.key, value: $0.value) }
        let positions = offsets.reduce(into: [Int32: CommittedPosition]()) { all, entry in
            all[entry.key] = CommittedPosition(entry.value, changelog: commit.changelogs[entry.key]?.name)
        }
        let outcome: CommitOutcome
        do throws(EventLogError) {
            outcome = try cluster.topics.commit(
                records, positions: positions, told: commit.changelogs.compactMapValues(\.told))
        } catch {
            if error.endsProcess { failCluster(error) } else { cluster.shared.withLock { $0.isCut = true } }
            throw StateError(.unwritable, "the other members cannot be told: \(error.message)")
        }
        switch outcome {
        case .begunAnew(let partitions):
            tellAnew(partitions, cluster)
            throw StateError(
                .unwritable, "what was told of users is gone, and all of it is told with the next checkpoint")
        case .committed(let told):
            let bytes = records.reduce(0) { $0 + $1.key.count + ($1.value?.count ?? 0) }
            note(commit, offsets, told, bytes: bytes, cluster)
        }
    }

    private func note(
        _ commit: ClusterCommit, _ offsets: [Int32: Int64], _ told: [Int32: Int64], bytes: Int,
        _ cluster: ClusterMember
    ) {
        cluster.shared.withLock {
            $0.isCut = false
            $0.report.commits += 1
            $0.report.bytesSent += bytes
            $0.announced = (.now, commit.owned)
        }
        queue.async {
            cluster.confined.waiting.removeFirst(commit.items.count)
            for (partition, offset) in offsets
            where cluster.shared.withLock({ $0.owned.contains(partition) }) {
                cluster.confined.positions[partition] = offset
            }
            for (partition, offset) in told
            where cluster.confined.changelogs[partition]?.name == commit.changelogs[partition]?.name {
                cluster.confined.changelogs[partition]?.told = offset
            }
        }
    }

    /// The topic of users was deleted and made anew beneath its members, or its end is lost: all that this one knows of users is
    /// told again, under another name, so that nobody takes it for the rest of what was there. Where one partition has lost
    /// anything the others may have too, and it may be long until something is told of them.
    private func tellAnew(_ partitions: Set<Int32>, _ cluster: ClusterMember) {
        queue.async { [self] in
            settle()
            let (placement, owned) = cluster.shared.withLock { ($0.placement, $0.owned) }
            guard let placement else { return }
            state.sayAgain(owned, placement)
            for partition in owned { cluster.confined.changelogs[partition] = .new }
            cluster.shared.withLock { $0.report.toldAnew += 1 }
            confined.changed = true
            logger.error(
                "what was told of users is gone: was TOPIC-users deleted and made anew? All that is known here is told again",
                metadata: ["noticed-in": "\(partitions.sorted())", "told-again": "\(owned.sorted())"])
        }
    }

    private func records(
        _ commit: ClusterCommit, _ head: StateDelta, _ pages: [StateDelta]
    ) throws(StateError) -> [ChangelogRecord] {
        var maker = UserRecordMaker(
            commit.placement, known: commit.known,
            hash: { $0 >= 0 && $0 < commit.hashes.count ? commit.hashes[Int($0)] : 0 })
        for id in commit.forgotten { maker.forget(id, models: commit.models) }
        for page in pages {
            maker.add(page)
            maker.add(
                recent: page.scalars.filter { name, _ in
                    let words = name.split(separator: ".")
                    return words.count > 1 && Int32(words[1]).map { commit.owned.contains($0) } ?? false
                })
        }
        if let strange = maker.partitions.subtracting(commit.owned).min() {
            let words =
                "a user's events came in another partition than \(strange), where Kafka's murmur2 puts the user's id: have "
                + "producers use the id as key and the default partitioner (in librdkafka partitioner=murmur2_random)"
            failCluster(EventLogError(.invalid, words))
            throw StateError(.mismatch, words)
        }
        // Those of partitions that are only answered for stay as they are. No position is committed that names a changelog without
        // a marker.
        let hasMoved = commit.owned.contains {
            guard let position = head.positions[$0] else { return false }
            return commit.before[$0] != position || commit.changelogs[$0]?.told == nil
        }
        guard !maker.records.isEmpty || hasMoved else { return [] }
        for partition in commit.owned.sorted() {
            guard let position = head.positions[partition] else { continue }
            maker.add(
                PartitionMarker(
                    position: position, events: commit.events[partition] ?? 0,
                    partitions: commit.placement.partitions, member: commit.member,
                    changelog: commit.changelogs[partition]?.name, last: commit.memory.last[partition],
                    anchor: commit.memory.anchors[partition]), of: partition)
        }
        return maker.records
    }

    /// It was not committed, or not written: who was forgotten has to be said again.
    func restore(_ commit: ClusterCommit) {
        state.forgottenIDs?.insert(contentsOf: commit.forgotten.compactMap { try? EntityID($0) }, at: 0)
    }
}
