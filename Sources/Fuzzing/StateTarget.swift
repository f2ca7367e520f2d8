internal import Checkpoints
internal import ContentVectors
internal import Events
internal import Foundation
internal import Learners
internal import State
internal import StreamLearning

/// A state file that is not what was written, with or without a write-ahead log beside it, is refused in words or read as
/// what was written: never as anything else. Verifying it ends, and says what it finds in words.
struct StateTarget: FuzzTarget {
    private let file: ScratchFile
    private let base: StateBase
    private let damage: PageDamage

    init() throws {
        file = try ScratchFile("state.sqlite")
        base = try StateBase(at: file.path)
        damage = PageDamage(pageSize: base.pageSize)
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        // What was written well by somebody who means no good is looked at less often: it takes a file to be made anew.
        if numbers.happens(oneIn: 8) { return (1, try runSigned(&numbers) ? 1 : 0) }
        let isLogged = numbers.happens(oneIn: 3)
        var bytes = isLogged ? base.mainBeforeLog : base.main
        var log = isLogged ? base.log : []
        if isLogged, !numbers.happens(oneIn: 3) {
            damage.change(log: &log, &numbers)
        } else {
            for _ in 0...numbers.below(4) { damage.change(&bytes, &numbers) }
        }
        StateBase.remove(file.path)
        guard FileManager.default.createFile(atPath: file.path, contents: Data(bytes)),
            log.isEmpty || FileManager.default.createFile(atPath: file.path + "-wal", contents: Data(log))
        else { throw FuzzFinding(what: "cannot write \(file.path)", input: []) }
        // It takes longer than all else together; drawn last, so that the input is the same.
        let isWhole = numbers.happens(oneIn: 3) ? try verify(bytes) : nil
        do throws(StateError) {
            let digest = try base.load(file.path)
            guard base.digests.contains(digest) else {
                throw StateError(
                    .notAState,
                    "\(Self.wrong) what was never written; verify found it whole: \(isWhole.map(String.init) ?? "not asked")"
                )
            }
            return (1, 1)
        } catch {
            guard !error.message.isEmpty, !error.message.hasPrefix(Self.wrong) else {
                throw FuzzFinding(what: error.message, input: bytes)
            }
            return (1, 0)
        }
    }

    private static let wrong = "it was read as"

    private func verify(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        do throws(StateError) {
            let found = try StateFile.verify(path: file.path)
            _ = try StateFile.summary(path: file.path)
            _ = try StateFile.positions(path: file.path)
            return found.problems.isEmpty
        } catch {
            guard !error.message.isEmpty else {
                throw FuzzFinding(what: "refused without a word", input: bytes)
            }
            return false
        }
    }

    /// Rows that are malformed, with checksums that are theirs: what lies behind checksums has to bear them too. Whether it
    /// was taken.
    private func runSigned(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> Bool {
        var delta = base.delta
        var words: [String] = []
        for _ in 0...numbers.below(3) { words.append(DeltaDamage.change(&delta, &numbers)) }
        let input = Array(words.joined(separator: "; ").utf8)
        StateBase.remove(file.path)
        do throws(StateError) {
            try StateFile.create(path: file.path, identity: base.identity, delta: delta)
            _ = try verify(input: input)
            _ = try base.load(file.path)
            return true
        } catch {
            guard !error.message.isEmpty else {
                throw FuzzFinding(what: "refused without a word", input: input)
            }
            return false
        }
    }

    private func verify(input: [UInt8]) throws(StateError) -> Bool {
        try StateFile.verify(path: file.path).problems.isEmpty
    }
}

/// A state of some users and items, as it was written: at rest, and with its last transaction in the write-ahead log.
struct StateBase {
    let options: StateOptions
    let identity: StateIdentity
    /// All of it.
    let delta: StateDelta
    let main: [UInt8]
    let mainBeforeLog: [UInt8]
    let log: [UInt8]
    /// Of what was written: of both states, and of the one before the log.
    private(set) var digests: Set<String> = []

    var pageSize: Int {
        let size = Int(main[16]) << 8 | Int(main[17])
        return size == 1 ? 65_536 : size
    }

    init(at path: String) throws {
        var options = StateOptions()
        options.factors = 8
        options.deterministic = true
        options.duplicatesWindow = 32
        options.content.isOn = false
        options.models =
            ModelOptions.defaults + [
                ModelOptions(name: "solved", learner: .als(.live, positive: PositiveRule(ratingMin: 4)))
            ]
        self.options = options
        identity = StateIdentity(
            factors: options.factors,
            models: Dictionary(uniqueKeysWithValues: options.models.map { ($0.name, $0.learnerName) }),
            source: "fuzz")
        let state = LearnedState(options: options)
        let application = BatchApplication(state: state, options: LearningOptions())
        application.apply(try Self.batch(0..<600))
        Self.remove(path)
        try StateFile.create(path: path, identity: identity, delta: state.collectChanges())
        digests = []
        main = Array(try Data(contentsOf: URL(filePath: path)))
        // Marks are cleared now: what is collected next is what has changed since.
        let opened = try StateFile(path: path, identity: identity)
        application.apply(try Self.batch(600..<700))
        try opened.write(state.collectChanges())
        mainBeforeLog = Array(try Data(contentsOf: URL(filePath: path)))
        log = Array(try Data(contentsOf: URL(filePath: path + "-wal")))
        try opened.close()
        let whole = LearnedState(options: options)
        BatchApplication(state: whole, options: LearningOptions()).apply(try Self.batch(0..<600))
        delta = whole.collectChanges()
        digests.insert(try load(path))
        Self.remove(path)
        try Data(main).write(to: URL(filePath: path))
        digests.insert(try load(path))
        Self.remove(path)
    }

    static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }

    /// The digest of what a daemon would go on with.
    func load(_ path: String) throws(StateError) -> String {
        let file = try StateFile(path: path, identity: identity)
        let state = LearnedState(options: options)
        do throws(StateError) {
            try file.read(into: StateLoader(state: state, path: path))
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
        return state.digest()
    }

    private static func batch(_ range: Range<Int>) throws -> IngestBatch {
        var numbers = FuzzNumbers(seed: 5, input: UInt64(range.lowerBound))
        var events: [LoggedEvent] = []
        for offset in range {
            let (user, item) = (
                try EntityID("u\(numbers.below(40))"), try EntityID("item-\(numbers.below(60))")
            )
            let kind: Event.Kind =
                switch numbers.below(12) {
                case 0:
                    .item(ItemDescription(item: item, title: "Item \(item)", tags: ["a", "b\(offset % 7)"]))
                case 1: .signal(user: user, item: item, name: "click")
                case 2: .hide(user: user, item: item)
                default: .rating(user: user, item: item, value: Float(1 + numbers.below(5)))
                }
            events.append(
                LoggedEvent(
                    token: Token(partition: 0, offset: Int64(offset)), logTime: 0,
                    event: Event(kind, time: 1_700_000_000_000 + Int64(offset))))
        }
        return IngestBatch(events: events, positions: [0: Int64(range.upperBound)])
    }
}
