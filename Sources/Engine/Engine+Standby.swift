internal import Checkpoints
internal import ClusterMembers
internal import ClusterStandby
internal import ClusterUsers
internal import EventLog
internal import Events
internal import Foundation
internal import Locking
internal import Logging
internal import LookUps
internal import Synchronization

// Following partitions that others have, and taking one over from the copy.
extension Engine {
    private static let retryInterval = 1.0
    /// After a copy could not be written.
    private static let rest: Duration = .seconds(30)
    /// Of the rest of a changelog, before it goes into the copy.
    private static let tailBytesMax = 4 << 20

    // MARK: - Following

    func startStandby(_ cluster: ClusterMember) {
        guard let standby = cluster.standby else { return }
        let thread = Thread { [self] in
            follow(standby, cluster)
            cluster.standbyFinished.signal()
        }
        thread.name = "freshet.standby"
        thread.start()
    }

    private func follow(_ standby: Standby, _ cluster: ClusterMember) {
        // Nobody waits for it.
        ThreadPriority.yieldToLookUps()
        func isStopping() -> Bool { cluster.stopping.load(ordering: .acquiring) }
        while !isStopping() {
            guard cluster.shared.withLock({ $0.placement != nil }) else {
                Thread.sleep(forTimeInterval: 0.05)
                continue
            }
            do throws(EventLogError) {
                try cluster.topics.followUsers { gathered in
                    guard !isStopping() else { return nil }
                    take(gathered, into: standby)
                    chooseFollowed(standby, cluster)
                    return standby.wanted(beside: cluster.shared.withLock { $0.owned }, at: .now)
                }
            } catch {
                logger.debug("no partition can be followed just now", metadata: ["error": "\(error)"])
                Thread.sleep(forTimeInterval: Self.retryInterval)
            }
        }
    }

    private func chooseFollowed(_ standby: Standby, _ cluster: ClusterMember) {
        let now = ContinuousClock.now
        standby.applying.withLock { _ in standby.dropIdle(at: now) }
        guard let candidates = cluster.candidates else { return }
        guard standby.choose(candidates, as: cluster.member, at: now) else { return }
        logger.info(
            "stands by for other partitions",
            metadata: ["partitions": "\(standby.shared.withLock { $0.followed.sorted() })"])
    }

    private func take(_ gathered: [FollowedUsers], into standby: Standby) {
        standby.applying.withLock { _ in
            let (followed, held) = standby.shared.withLock { ($0.followed, $0.held) }
            for users in gathered where followed.contains(users.partition) && !held.contains(users.partition)
            {
                take(users, into: standby)
            }
        }
    }

    private func take(_ users: FollowedUsers, into standby: Standby) {
        let partition = users.partition
        guard !users.isLost else {
            tellDropped(partition, "its changelog does not hold what comes next")
            return standby.copies.drop(partition)
        }
        do throws(StandbyError) {
            switch try standby.copies.take(
                users.records.map(FollowedRecord.init), of: partition, next: users.next, isEnd: users.isEnd,
                at: clock.milliseconds)
            {
            case .taken: standby.shared.withLock { $0.failure = "" }
            case .otherChangelog: tellDropped(partition, "its changelog was begun anew")
            case .stale: tellDropped(partition, "it has heard nothing for too long")
            }
        } catch {
            standby.shared.withLock { ($0.failure, $0.resting) = (error.description, .now + Self.rest) }
            logger.error(
                "a copy of a partition cannot be written, and is gone; it is made anew later",
                metadata: ["partition": "\(partition)", "error": "\(error)"])
        }
    }

    private func tellDropped(_ partition: Int32, _ why: String) {
        logger.notice(
            "a copy of a partition is made anew", metadata: ["partition": "\(partition)", "why": "\(why)"])
    }

    // MARK: - Taking over

    /// What the copy of a partition and the rest of its changelog say; `nil` where there is no copy, or it is worth nothing. The
    /// copy has to be held.
    func source(
        ofCopy partition: Int32, _ committed: CommittedPosition?, _ standby: Standby, _ cluster: ClusterMember
    ) throws(EventLogError) -> PartitionSource? {
        guard let place = standby.copies.places[partition], let offset = place.markerOffset else {
            return nil
        }
        var tail = Tail(standby.copies, partition, at: clock.milliseconds)
        // From the copy's last marker on: that, or a newer one, is there for ever, and tells whether it is the same changelog.
        let end = try cluster.topics.readUsers(of: partition, from: offset) { message in
            tail.add(message)
            if tail.bytes > Self.tailBytesMax { tail.flush(isEnd: false, next: message.offset + 1) }
        }
        guard let end else {
            standby.copies.drop(partition)
            tellDropped(partition, "its changelog does not hold what comes next")
            return nil
        }
        tail.flush(isEnd: true, next: end)
        if let failure = tail.failure {
            standby.copies.drop(partition)
            tellDropped(partition, failure)
            return nil
        }
        let copy = standby.copies.places[partition]
        guard tail.hasMarker, let marker = copy?.marker else {
            standby.copies.drop(partition)
            tellDropped(partition, "its changelog has no marker")
            return nil
        }
        let source = PartitionSource(
            marker: marker, at: copy?.markerOffset, recordsRead: tail.count, isCopy: true
        ) { [logger] rules, items in
            do throws(StandbyError) {
                return try Self.arrivals(of: partition, standby, rules, items)
            } catch {
                logger.error(
                    "a copy of a partition cannot be read; its changelog is",
                    metadata: ["partition": "\(partition)", "error": "\(error)"])
                standby.copies.drop(partition)
                return nil
            }
        }
        guard source.belongs(to: committed) else {
            standby.copies.drop(partition)
            tellDropped(partition, "the group's offset tells of another changelog")
            return nil
        }
        return source
    }

    private static func arrivals(
        of partition: Int32, _ standby: Standby, _ rules: ArrivalRules, _ items: KnownItems
    ) throws(StandbyError) -> Arrivals {
        var arrivals = Arrivals()
        var parts: [[TravellingUser]] = []
        let recent = try standby.copies.read(partition, usersAtOnce: PartitionSource.usersAtOnce) {
            users in
            parts.append(users)
            guard parts.count == PartitionSource.partsAtOnce else { return }
            arrivals.users += ArrivedUsers.ready(parts, for: rules, items: items)
            parts = []
        }
        arrivals.users += ArrivedUsers.ready(parts, for: rules, items: items)
        arrivals.recent = recent
        return arrivals
    }

    // MARK: - Seeing it

    func standbyFields(_ cluster: ClusterMember) -> [StatusField] {
        guard let standby = cluster.standby else { return [] }
        let (places, shared) = (standby.copies.places, standby.shared.withLock { $0 })
        let positions = cluster.shared.withLock { $0.directory.positions }
        let followed = shared.followed.subtracting(cluster.shared.withLock { $0.owned }).sorted()
        let lags = followed.map { partition -> (partition: Int32, lag: Int64?) in
            let copy = places[partition].flatMap { $0.isWhole ? $0.marker : nil }
            return (partition, copy.map { max(0, (positions[partition] ?? $0.position) - $0.position) })
        }
        var fields = [
            StatusField("cluster.standby", .text(followed.map { "\($0)" }.joined(separator: " "))),
            StatusField("cluster.standby.ready", .integer(Int64(lags.count { $0.lag != nil }))),
            StatusField("cluster.standby.bytes", .integer(standby.copies.bytes)),
            StatusField("cluster.standby.takeovers", .integer(Int64(shared.takeovers))),
            StatusField("cluster.standby.error", .text(shared.failure)),
        ]
        for (partition, lag) in lags {
            guard let lag else { continue }
            fields.append(StatusField("cluster.standby.\(partition).lag-events", .integer(lag)))
        }
        return fields
    }
}

/// The rest of a changelog, on its way into a copy.
private struct Tail {
    private let copies: StandbyCopies
    private let partition: Int32
    private let now: Int64
    private var records: [FollowedRecord] = []
    private(set) var bytes = 0
    private(set) var count = 0
    private(set) var hasMarker = false
    /// Why the copy is worth nothing.
    private(set) var failure: String?

    init(_ copies: StandbyCopies, _ partition: Int32, at now: Int64) {
        (self.copies, self.partition, self.now) = (copies, partition, now)
    }

    mutating func add(_ message: UserMessage) {
        records.append(FollowedRecord(message))
        bytes += message.key.count + (message.value?.count ?? 0)
        count += 1
        if case .marker = RecordKey(message.key) { hasMarker = true }
    }

    mutating func flush(isEnd: Bool, next: Int64) {
        guard failure == nil else { return }
        do throws(StandbyError) {
            switch try copies.take(records, of: partition, next: next, isEnd: isEnd, at: now) {
            case .taken: break
            case .otherChangelog: failure = "its changelog was begun anew"
            case .stale: failure = "it has heard nothing for too long"
            }
        } catch {
            failure = error.description
        }
        (records, bytes) = ([], 0)
    }
}

extension FollowedRecord {
    fileprivate init(_ message: UserMessage) {
        self.init(offset: message.offset, key: message.key, value: message.value)
    }
}

extension ClusterMember {
    /// Who has what, by name; `nil` while a partition is nobody's, or not all that was told is read.
    var candidates: [StandbyRule.Candidate]? {
        let groupName = topics.groupMember ?? ""
        return shared.withLock { shared in
            guard shared.hasCaughtUp, let placement = shared.placement else { return nil }
            var candidates = [
                StandbyRule.Candidate(member: member, groupName: groupName, partitions: shared.owned)
            ]
            for entry in shared.directory.members where entry.record.member != member {
                let partitions = entry.record.positions.keys.filter {
                    shared.directory.owner(of: $0)?.record.member == entry.record.member
                        && !shared.owned.contains($0)
                }
                candidates.append(
                    .init(
                        member: entry.record.member, groupName: entry.record.groupMember ?? "",
                        partitions: Set(partitions)))
            }
            let all = candidates.reduce(into: Set<Int32>()) { $0.formUnion($1.partitions) }
            guard all.count == placement.partitions else { return nil }
            return candidates.sorted { $0.member < $1.member }
        }
    }
}
