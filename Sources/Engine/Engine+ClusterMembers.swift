internal import Checkpoints
package import ClusterMembers
internal import ClusterStandby
internal import ClusterUsers
internal import Dispatch
internal import EventLog
internal import Events
internal import Foundation
internal import LiveScores
internal import Locking
internal import Logging
internal import State

// What this engine tells the others of itself, and what they tell: who answers for which users, how far each has told what it
// learned, and which model was promoted.
extension Engine {
    /// Between two looks whether there is anything to say.
    private static let lookInterval = DispatchTimeInterval.milliseconds(500)

    /// Who has which users; `nil` of an engine alone.
    package var directory: (any ClusterDirectory)? { cluster }

    /// Where this daemon's RPC is asked: `host:port`, or the path of a socket. Before the start.
    public func answers(at address: String) { cluster?.shared.withLock { $0.address = address } }

    // MARK: - Telling

    func startAnnouncing(_ cluster: ClusterMember) {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + Self.lookInterval, repeating: Self.lookInterval)
        timer.setEventHandler { [weak self] in
            // A commit says it too.
            guard let self else { return }
            tellImageIfDue(cluster)
            guard !confined.checkpointRunning, isDue(cluster) else { return }
            announce()
        }
        queue.sync { cluster.confined.timer = timer }
        timer.resume()
    }

    /// Whether the others have to hear of this member, though nothing was learned.
    func isDue(_ cluster: ClusterMember) -> Bool {
        cluster.shared.withLock { shared in
            guard let announced = shared.announced else { return true }
            return announced.owned != shared.owned
                || announced.at.duration(to: .now) >= MemberDirectory.refreshInterval
        }
    }

    /// On the queue.
    func record(_ cluster: ClusterMember, at positions: [Int32: Int64]) -> MemberRecord {
        let promotion = cluster.confined.promotion
        let groupMember = cluster.topics.groupMember
        let standby = cluster.standby.map { standby in
            let places = standby.copies.places
            return standby.shared.withLock { $0.followed.filter { places[$0]?.isWhole ?? false }.sorted() }
        }
        return cluster.shared.withLock { shared in
            var record = MemberRecord(
                member: cluster.member, address: shared.address,
                positions: Dictionary(uniqueKeysWithValues: shared.owned.map { ($0, positions[$0] ?? 0) }),
                at: clock.milliseconds, bytesSent: shared.report.bytesSent)
            (record.promotion, record.groupMember, record.standby) = (promotion, groupMember, standby)
            record.image = shared.image
            return record
        }
    }

    /// Says now what this member has, with what is committed already: the offsets go along, so that a member that was taken to
    /// be dead is refused here as with any commit.
    func announce() {
        guard let cluster else { return }
        queue.async { [self] in
            let (isOpen, failure) = cluster.shared.withLock { ($0.placement != nil, $0.failure) }
            guard isOpen, failure == nil, !isStopped else { return }
            let positions = cluster.confined.positions
            let record = self.record(cluster, at: positions)
            // An offset has to name a changelog that stands: where none does yet the next commit begins it.
            let committed = positions.reduce(into: [Int32: CommittedPosition]()) { all, entry in
                guard let changelog = cluster.confined.changelogs[entry.key], changelog.told != nil else {
                    return
                }
                all[entry.key] = CommittedPosition(entry.value, changelog: changelog.name)
            }
            checkpointer.afterWrites { [self] in commit(record, committed, cluster) }
        }
    }

    /// On the checkpoint's queue: commits come one by one.
    private func commit(
        _ record: MemberRecord, _ positions: [Int32: CommittedPosition], _ cluster: ClusterMember
    ) {
        let (owned, value) = (Set(record.positions.keys), record.encoded)
        // What was given up meanwhile is no longer this member's to commit, and soon said anew.
        guard cluster.shared.withLock({ $0.owned == owned }) else { return }
        do throws(EventLogError) {
            _ = try cluster.topics.commit(
                [ClusterRecord(.items, key: record.key, value: value)],
                positions: positions.filter { owned.contains($0.key) }, told: [:])
        } catch {
            if error.endsProcess { return failCluster(error) }
            return logger.debug(
                "the others cannot be told who answers for whom", metadata: ["error": "\(error)"])
        }
        cluster.shared.withLock {
            $0.announced = (.now, owned)
            $0.report.bytesSent += value.count
        }
    }

    /// When this member stops. In an outage there is nobody to say it to: the others learn again what was not committed, and so
    /// does this one where it comes back, so that nothing is lost.
    ///
    /// - Parameter last: what came of the last checkpoint.
    func sayLast(_ last: Result<[Int32: Int64], StateError>) throws(StateError) {
        guard case .failure(let error) = last else { return sayLeaving() }
        guard let cluster, cluster.shared.withLock({ $0.isCut && $0.failure == nil }) else { throw error }
        logger.warning(
            "stopped in an outage: what was learned since the last commit is learned again by whoever has the partitions next",
            metadata: ["error": "\(error)"])
    }

    /// After the last commit: nobody needs wait until this member counts as gone.
    private func sayLeaving() {
        guard let cluster, cluster.shared.withLock({ $0.placement != nil && $0.failure == nil }) else {
            return
        }
        var record = queue.sync { self.record(cluster, at: [:]) }
        (record.positions, record.standby, record.isLeaving) = ([:], nil, true)
        checkpointer.waitForWrites()
        _ = try? cluster.topics.commit(
            [ClusterRecord(.items, key: record.key, value: record.encoded)], positions: [:], told: [:])
    }

    // MARK: - Hearing

    /// On the queue.
    func takeRecord(_ value: [UInt8], _ cluster: ClusterMember) {
        guard let record = MemberRecord(value) else {
            cluster.shared.withLock { $0.report.refused += 1 }
            return
        }
        let now = clock.milliseconds
        let home = cluster.shared.withLock { shared -> Int32? in
            // What was said before this process began is as old as its time says, by whatever clock.
            let age = shared.hasCaughtUp ? 0 : max(0, now - record.at)
            shared.directory.take(record, heard: .now - .milliseconds(age))
            if let image = record.image, image.isNewer(than: shared.image) { shared.image = image }
            return shared.placement?.partition(of: Event.promotionKey.string.utf8)
        }
        if record.member != cluster.member { takeBack(Set(record.positions.keys), cluster) }
        if let promotion = record.promotion, let home { take(promotion, home: home, cluster) }
    }

    // MARK: - Promotions

    /// Those that the log asked for, learned here.
    func noteAsked(_ promotions: [Promotion]) {
        guard let cluster, let placement = cluster.shared.withLock({ $0.placement }) else { return }
        let home = placement.partition(of: Event.promotionKey.string.utf8)
        for promotion in promotions where promotion.lead == nil {
            let asked = AskedPromotion(
                model: promotion.model, partition: promotion.partition, offset: promotion.offset)
            if asked.isNewer(than: cluster.confined.promotion, home: home) {
                cluster.confined.promotion = asked
            }
        }
    }

    /// Another member's. Each is taken once, so that what has become the default since stays.
    private func take(_ asked: AskedPromotion, home: Int32, _ cluster: ClusterMember) {
        guard asked.isNewer(than: cluster.confined.promotion, home: home) else { return }
        cluster.confined.promotion = asked
        let token = Token(partition: asked.partition, offset: asked.offset)
        guard
            let promotion = state.comparison.promote(
                asked.model, at: token, ordinal: state.counters.clock)
        else { return }
        confined.changed = true
        tell([promotion])
    }
}

extension ClusterMember: ClusterDirectory {
    package func place(ofUser id: some Collection<UInt8>) -> UserPlace {
        shared.withLock { shared in
            guard let placement = shared.answering else {
                return .moving("the cluster's topics have not been reached yet")
            }
            let partition = placement.partition(of: id)
            if shared.owned.contains(partition) { return .here }
            guard let owner = shared.directory.owner(of: partition), owner.record.member != member else {
                if shared.lent.contains(partition) { return .here }
                return .moving(
                    shared.placement == nil
                        ? "the cluster's topics have not been reached yet"
                        : "partition \(partition) is on its way to another daemon")
            }
            return .at(address: owner.record.address)
        }
    }

    package var view: ClusterView {
        shared.withLock { shared in
            let now = ContinuousClock.now
            let myself = MemberView(
                member: member, address: shared.address, isMyself: true,
                partitions: shared.owned.union(shared.lent).sorted(), age: 0,
                bytesSent: shared.report.bytesSent)
            let others = shared.directory.members.filter { $0.record.member != member }.map { entry in
                MemberView(
                    member: entry.record.member, address: entry.record.address, isMyself: false,
                    // Not those that have gone to others since it last spoke.
                    partitions: entry.record.positions.keys.filter {
                        shared.directory.owner(of: $0)?.record.member == entry.record.member
                            && !shared.owned.contains($0)
                    }.sorted(),
                    age: entry.heard.duration(to: now).milliseconds, bytesSent: entry.record.bytesSent,
                    standby: entry.record.standby ?? [])
            }
            return ClusterView(partitions: shared.answering?.partitions ?? 0, members: [myself] + others)
        }
    }

    /// Next offset by partition of what look-ups see; of others' partitions, of what was learned of items.
    func visible(beside own: [Int32: Int64]) -> [Int32: Int64] {
        shared.withLock { $0.directory.positions }.merging(own) { _, own in own }
    }
}
