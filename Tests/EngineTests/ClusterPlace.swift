import Checkpoints
import EngineSupport
import EventLog
import Events
import Foundation
import Locking
import Logging
import LookUps
import State
import TestSupport

@testable import Engine

/// An engine with a file of its own, over several lives.
final class ClusterPlace {
    let group: FakeGroup
    let number: Int
    private(set) var folder = Folder()
    private(set) var member: FakeMember
    private(set) var engine: Engine

    private struct Options {
        var standby: Int
        /// How long what was told of users may be missing.
        var patience: Duration
        var onGap: ConsumerOptions.OnGap
        var imageInterval: Duration
    }

    private let options: Options
    /// For which an engine wants to be ended.
    let failures = Lock<[EventLogError]>([])

    init(
        _ group: FakeGroup, number: Int, standby: Int = 0, patience: Duration = .seconds(600),
        onGap: ConsumerOptions.OnGap = .fail, imageInterval: Duration = .zero,
        isCut: Bool = false, betweenLookAndStart: () -> Void = {}
    ) throws {
        (self.group, self.number) = (group, number)
        options = Options(
            standby: standby, patience: patience, onGap: onGap, imageInterval: imageInterval)
        member = FakeMember(group, number: number)
        member.cut(isCut)
        engine = try Self.start(member, folder, options, failures, betweenLookAndStart)
    }

    private static func start(
        _ member: FakeMember, _ folder: Folder, _ wanted: Options, _ failures: Lock<[EventLogError]>,
        _ betweenLookAndStart: () -> Void = {}
    ) throws -> Engine {
        var options = smallOptions()
        options.state.models = ModelOptions.defaults
        options.state.defaultModel = "blend"
        options.checkpoints.interval = .milliseconds(20)
        (options.cluster.standby, options.cluster.standbyFolder) = (wanted.standby, folder.path + "/standby")
        options.cluster.standbySettling = .milliseconds(20)
        options.cluster.missingPatience = wanted.patience
        options.ingest.consumer.onGap = wanted.onGap
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        options.cluster.imageInterval = wanted.imageInterval
        options.cluster.imagePath = folder.path + "/image.sqlite"
        let identity = options.identity(source: "test")
        options.cluster.beginning = ItemImages.begin(
            at: folder.state, identity: identity, member, logger: logger)
        betweenLookAndStart()
        let file = try StateFile(path: folder.state, identity: identity)
        let engine = try Engine(
            options: options, file: file, log: member, logger: logger, cluster: member)
        engine.answers(at: "/run/\(member.number)")
        engine.start { error in failures.withLock { $0.append(error) } }
        return engine
    }

    func die(_ how: Death) {
        switch how {
        case .beforeCommit: member.die(.beforeCommit)
        case .betweenCommits:
            member.die(.betweenCommits)
            try? engine.checkpointNow()
        case .afterCommits:
            try? engine.checkpointNow()
            member.die(.afterCommits)
        }
        try? engine.checkpointNow()
    }

    /// From the file as it was, as a process that was killed leaves it.
    ///
    /// - Parameter isCut: in an outage.
    func startAgain(isCut: Bool = false) throws {
        let next = Folder()
        for suffix in ["", "-wal", "-outdated"]
        where FileManager.default.fileExists(atPath: folder.state + suffix) {
            try FileManager.default.copyItem(atPath: folder.state + suffix, toPath: next.state + suffix)
        }
        // Its copies, between two writes.
        try engine.cluster?.standby?.applying.withLock { _ in
            try FileManager.default.copyItem(atPath: folder.path + "/standby", toPath: next.path + "/standby")
        }
        try? engine.stop()
        folder = next
        member = FakeMember(group, number: number)
        member.cut(isCut)
        engine = try Self.start(member, folder, options, failures)
    }

    static func ratings(_ count: Int, from start: Int) -> [Event] {
        var random = UInt64(start &* 2_654_435_761 &+ 12_345)
        func next(_ bound: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % bound
        }
        return (start..<start + count).map { index in
            Event(
                .rating(user: id("u\(next(60))"), item: id("i\(next(40))"), value: Float(1 + next(5))),
                time: Int64(index) * 1_000 + 1)
        }
    }

    var status: [String: String] {
        Dictionary(
            uniqueKeysWithValues: engine.status().map { field in
                let text: String =
                    switch field.value {
                    case .text(let text): text
                    case .integer(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .bool(let flag): "\(flag)"
                    }
                return (field.name, text)
            })
    }

    /// Until all is learned, committed and told.
    static func settle(_ places: [ClusterPlace], _ group: FakeGroup) throws {
        let deadline = ContinuousClock.now + Patience.duration
        var last = -1
        while true {
            let ends = group.ends.filter { $0.value > 0 }
            let (committed, items) = group.state.withLock { ($0.committed, $0.items.count) }
            let isTold = places.allSatisfy {
                $0.engine.cluster?.shared.withLock { $0.itemsNext } == Int64(items)
            }
            if ends.allSatisfy({ committed[$0.key]?.offset == $0.value }), isTold, items == last { return }
            last = items
            guard ContinuousClock.now < deadline else {
                throw TestTimeout(words: "committed \(committed) of \(ends), \(items) told")
            }
            for place in places where !place.member.isDead { try? place.engine.checkpointNow() }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    private struct TestTimeout: Error { let words: String }
}
