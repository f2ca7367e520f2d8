import Checkpoints
import ClusterUsers
import EngineSupport
import EventLog
import Events
import Foundation
import Locking
import Logging
import TestSupport

@testable import Engine

/// A broker for engines in this process: a log of several partitions, the members' two topics, and who has which partition.
/// What it promises is what Kafka does: a commit is whole or nothing, and refused of a member whose partitions are another's.
final class FakeGroup: Sendable {
    struct Record: Sendable {
        var payload: [UInt8]
        var time: Int64
    }

    struct State {
        var events: [[Record]]
        var users: [[(key: [UInt8], value: [UInt8]?)]]
        var items: [[UInt8]] = []
        /// Of what is told of items the first that is still kept.
        var itemsStart = 0
        var committed: [Int32: CommittedPosition] = [:]
        /// Who is to have a partition, and who has it: that one gives it up first.
        var owners: [Int32: Int] = [:]
        var held: [Int32: Int] = [:]
        var commits = 0
        /// From where each partition's users were read to be taken over, one after the other.
        var usersRead: [Int32: [Int64?]] = [:]
        /// Records of a partition that one who follows gets at a time.
        var followedAtOnce = Int.max >> 1
    }

    let state: Lock<State>
    let placement: UserPlacement

    init(partitions: Int) {
        state = Lock(
            State(
                events: Array(repeating: [], count: partitions),
                users: Array(repeating: [], count: partitions)))
        placement = UserPlacement(partitions: partitions)
    }

    func feed(_ events: [Event]) {
        state.withLock { state in
            for event in events {
                let partition = Int(placement.partition(of: Array(event.key.string.utf8)))
                state.events[partition].append(
                    Record(
                        payload: EventEncoder.encode(event, options: EventOptions()), time: event.time ?? 0))
            }
        }
    }

    /// So many ratings more.
    func feed(_ count: Int, behind events: inout [Event]) {
        let more = ClusterPlace.ratings(count, from: events.count)
        events += more
        feed(more)
    }

    /// - Parameter dead: members that the group has given up.
    func assign(_ owners: [Int32: Int], dead: Int? = nil) {
        state.withLock { state in
            state.owners = owners
            state.held = state.held.filter { $0.value != dead }
        }
    }

    /// The topic of users is deleted and made anew.
    func recreateUsers() {
        state.withLock { state in state.users = state.users.map { _ in [] } }
    }

    /// What was told of items until now is kept no longer.
    func dropItems(to offset: Int64? = nil) {
        state.withLock { state in
            state.itemsStart = offset.map { Int($0) } ?? state.items.count
            for place in 0..<state.itemsStart { state.items[place] = [] }
        }
    }

    var ends: [Int32: Int64] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.events.enumerated().map { (Int32($0), Int64($1.count)) })
        }
    }
}

/// How a member ends.
enum Death: CaseIterable {
    /// What was learned since the last commit is nowhere.
    case beforeCommit
    /// The others know of the commit, and the file does not.
    case betweenCommits
    /// The file too.
    case afterCommits
}

/// A member: its place in the group, its topics, its log.
final class FakeMember: ClusterTopics, EventLog {
    let group: FakeGroup
    let number: Int
    private let death = Lock<Death?>(nil)
    private let outage = Lock(false)
    /// Called once, when it is asked how much was told of items.
    let whenAsked = Lock<(@Sendable () -> Void)?>(nil)

    init(_ group: FakeGroup, number: Int) { (self.group, self.number) = (group, number) }

    /// Whether nobody answers.
    func cut(_ isCut: Bool) { outage.withLock { $0 = isCut } }

    func die(_ how: Death) { death.withLock { $0 = how } }
    var isDead: Bool { death.withLock { $0 != nil } }

    private static let unreachable = EventLogError(.unreachable, "nobody answers")
    private static let dead = EventLogError(.unreachable, "dead")

    // MARK: - Topics

    func open(member: String) throws(EventLogError) -> Int {
        guard !outage.withLock({ $0 }) else { throw Self.unreachable }
        return group.placement.partitions
    }

    func commit(
        _ records: [ClusterRecord], positions: [Int32: CommittedPosition], told: [Int32: Int64]
    ) throws(EventLogError) -> CommitOutcome {
        let how = death.withLock { how in
            defer { if how == .betweenCommits { how = .beforeCommit } }
            return how
        }
        if how == .beforeCommit || how == .afterCommits { throw Self.dead }
        guard !outage.withLock({ $0 }) else { throw Self.unreachable }
        let outcome = group.state.withLock { state -> CommitOutcome? in
            guard positions.keys.allSatisfy({ state.held[$0] == number }) else { return nil }
            let users = Set(
                records.compactMap { if case .users(let partition) = $0.place { partition } else { nil } })
            let anew = users.filter { state.users[Int($0)].count <= told[$0] ?? -1 }
            guard anew.isEmpty else { return .begunAnew(anew) }
            for record in records {
                switch record.place {
                case .items: if let value = record.value { state.items.append(value) }
                case .users(let partition): state.users[Int(partition)].append((record.key, record.value))
                }
            }
            state.committed.merge(positions) { $1 }
            state.commits += 1
            return .committed(
                told: users.reduce(into: [:]) { $0[$1] = Int64(state.users[Int($1)].count) - 1 })
        }
        guard let outcome else { throw EventLogError(.mustRestart, "another member has a partition") }
        if how == .betweenCommits { throw Self.dead }
        return outcome
    }

    func committed(_ partition: Int32) throws(EventLogError) -> CommittedPosition? {
        group.state.withLock { $0.committed[partition] }
    }

    var groupMember: String? { "member-\(number)" }

    func readUsers(
        of partition: Int32, from offset: Int64?, _ body: (UserMessage) -> Void
    ) throws(EventLogError) -> Int64? {
        let all = group.state.withLock { state in
            state.usersRead[partition, default: []].append(offset)
            return state.users[Int(partition)]
        }
        guard Int(offset ?? 0) <= all.count else { return nil }
        for (place, record) in all.enumerated().dropFirst(Int(offset ?? 0)) {
            body(UserMessage(offset: Int64(place), key: record.key, value: record.value))
        }
        return Int64(all.count)
    }

    func followUsers(_ body: ([FollowedUsers]) -> [Int32: Int64?]?) throws(EventLogError) {
        var gathered: [FollowedUsers] = []
        while let wanted = body(gathered) {
            Thread.sleep(forTimeInterval: 0.002)
            gathered = []
            guard !isDead else { continue }
            for (partition, place) in wanted.sorted(by: { $0.key < $1.key }) {
                let (all, pace) = group.state.withLock { ($0.users[Int(partition)], $0.followedAtOnce) }
                let start = Int(place ?? 0)
                guard start <= all.count else {
                    gathered.append(FollowedUsers(partition: partition, records: [], next: 0, isLost: true))
                    continue
                }
                let end = min(all.count, start + pace)
                let records = (start..<end).map {
                    UserMessage(offset: Int64($0), key: all[$0].key, value: all[$0].value)
                }
                gathered.append(
                    FollowedUsers(
                        partition: partition, records: records, next: Int64(end), isEnd: end == all.count))
            }
        }
    }

    func readItems(from offset: Int64?, _ body: ([[UInt8]], Int64, Bool) -> Bool) throws(EventLogError) {
        let start = group.state.withLock { $0.itemsStart }
        var next = Int(offset ?? Int64(start))
        guard next >= start else { throw EventLogError(.gap, "\(next) is gone") }
        while true {
            // So that whoever follows opens the topics again.
            guard !outage.withLock({ $0 }) else { throw Self.unreachable }
            let values = isDead ? [] : group.state.withLock { Array($0.items[next...]) }
            next += values.count
            guard body(values, Int64(next), true) else { return }
            Thread.sleep(forTimeInterval: 0.002)
        }
    }

    func itemsRange() throws(EventLogError) -> Range<Int64> {
        whenAsked.withLock { $0.take() }?()
        guard !outage.withLock({ $0 }) else { throw Self.unreachable }
        return group.state.withLock { Int64($0.itemsStart)..<Int64($0.items.count) }
    }

    func tell(
        _ count: Int, named name: (Int) -> String, value: (Int) throws(EventLogError) -> [UInt8]
    ) throws(EventLogError) -> Int64 {
        guard !isDead, !outage.withLock({ $0 }) else { throw Self.unreachable }
        var first: Int64?
        for number in 0..<count {
            let value = try value(number)
            group.state.withLock { state in
                first = first ?? Int64(state.items.count)
                state.items.append(value)
            }
        }
        return first ?? 0
    }

    // MARK: - Log

    let name = "fake"
    let source = "test"
    let deadLettersHeld = 0
    let deadLetterLosses = DeadLetterLosses()

    func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        completion(.failure(EventLogError(.closed, "events are fed to the group")))
    }

    func putAside(_ letter: DeadLetter) {}
    func flushDeadLetters(isLast: Bool) throws(EventLogError) {}
    func partitions() -> [PartitionStatus] { [] }
    func health() -> LogHealth { LogHealth(reachable: true) }
    func close() {}

    func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        FakeConsumer(self, delegate)
    }
}

/// Of one thread.
final class FakeConsumer: EventLogConsumer {
    private let member: FakeMember
    private let delegate: any ConsumerDelegate
    private var next: [Int32: Int64] = [:]
    var onGap = ConsumerOptions.OnGap.fail

    init(_ member: FakeMember, _ delegate: any ConsumerDelegate) {
        (self.member, self.delegate) = (member, delegate)
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) {
        guard !member.isDead else { return Thread.sleep(forTimeInterval: 0.005) }
        rebalance()
        let state = member.group.state.withLock { $0 }
        for (partition, start) in next.sorted(by: { $0.key < $1.key }) {
            let records = state.events[Int(partition)][Int(start)...].prefix(20)
            guard !records.isEmpty else { continue }
            for (offset, record) in zip(records.indices, records) {
                record.payload.withUnsafeBytes {
                    batch.append(
                        token: Token(partition: partition, offset: Int64(offset)), time: record.time,
                        payload: $0)
                }
            }
            let last = records.last.map { record in
                record.payload.withUnsafeBytes {
                    RecordFingerprint(
                        offset: Int64(records.endIndex - 1),
                        key: UnsafeRawBufferPointer(start: nil, count: 0),
                        payload: $0, time: record.time)
                }
            }
            batch.stand(partition, at: Int64(records.endIndex), last: last)
            next[partition] = Int64(records.endIndex)
        }
        if batch.isEmpty { Thread.sleep(forTimeInterval: 0.002) }
    }

    private func rebalance() {
        let (group, number) = (member.group, member.number)
        let owners = group.state.withLock { $0.owners }
        let gone = next.keys.filter { owners[$0] != number }
        if !gone.isEmpty { giveUp(gone) }
        let new = group.state.withLock { state in
            // What was not taken over yet is nothing to commit.
            state.held = state.held.filter { $0.value != number || owners[$0.key] == number }
            // To give partitions up takes a while. Who is dead by now gets none, and others what the group says now.
            guard !member.isDead else { return Set<Int32>() }
            for (partition, owner) in state.owners where owner == number && state.held[partition] == nil {
                state.held[partition] = number
            }
            return Set(state.held.filter { $0.value == number && state.owners[$0.key] == number }.keys)
        }.subtracting(next.keys)
        guard !new.isEmpty else { return }
        for partition in delegate.takeOver(new) { next[partition] = delegate.position(of: partition) ?? 0 }
    }

    private func giveUp(_ partitions: [Int32]) {
        for partition in partitions { next[partition] = nil }
        delegate.revoke(partitions)
        member.group.state.withLock { state in
            for partition in partitions where state.held[partition] == member.number {
                state.held[partition] = nil
            }
        }
    }

    func pause() {}
    func resume() {}
    func commit(_ positions: [Int32: Int64]) {}
    func close() {
        if !member.isDead { giveUp(Array(next.keys)) }
    }
}
