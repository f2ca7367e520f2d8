/// Draws a script from a seed.
struct ScriptGenerator {
    /// Milliseconds since 1970 at which every world begins.
    static let beginning: Int64 = 1_600_000_000_000
    static let signals: [String: Float] = ["click": 1, "buy": 3, "skip": -1]

    private var dice: Dice
    private let seed: UInt64
    private var setting = Setting()
    private var users = 0
    private var items = 0
    /// Of the world, as it would be if nothing went wrong: events are told about then.
    private var now = beginning
    private var written: [Entry] = []
    private var nextID = 0

    static func script(_ seed: UInt64) -> Script {
        var generator = ScriptGenerator(seed: seed)
        return generator.script()
    }

    private init(seed: UInt64) {
        self.seed = seed
        dice = Dice(seed)
    }

    private mutating func script() -> Script {
        setting = drawSetting()
        users = dice.within(3...24)
        items = dice.within(4...40)
        let count = dice.within(20...110)
        var steps: [Step] = []
        while steps.count < count { steps += nextSteps() }
        return Script(seed: seed, setting, steps)
    }

    private mutating func drawSetting() -> Setting {
        var setting = Setting()
        let learners = Setting.Learner.allCases.filter { _ in dice.oneIn(3) }
        setting.learners = learners.isEmpty ? [.stars, .likes] : learners
        // A blend combines others.
        if setting.learners == [.blend] || setting.learners == [.stars, .blend] {
            setting.learners = [.stars, .likes, .blend]
        }
        setting.usesContent = dice.oneIn(8)
        setting.duplicatesWindow = dice.pick([5, 64, 100_000])
        setting.batchMax = dice.pick([3, 16, 64, 256])
        setting.skipsGaps = !dice.oneIn(4)
        setting.retainsNothing = dice.oneIn(4)
        if dice.oneIn(5) { setting.queueMax = setting.batchMax * 2 }
        if dice.oneIn(4) {
            setting.usersLeave = true
            setting.batchMax = 3
        }
        guard !dice.oneIn(3) else {
            setting.isDeterministic = false
            setting.partitions = dice.within(1...3)
            setting.shards = dice.within(1...3)
            return setting
        }
        // Bounds go by the order of the log.
        if dice.oneIn(4) { setting.historyMax = dice.within(2...6) }
        if dice.oneIn(5) { setting.usersMax = dice.within(3...8) }
        if dice.oneIn(6) { setting.itemsMax = dice.within(3...12) }
        return setting
    }

    // MARK: - Steps

    private mutating func nextSteps() -> [Step] {
        switch dice.below(100) {
        case 0..<34: return (0...dice.below(14)).map { _ in .produce(entry()) }
        case 34..<44: return [.feed(entry(), appendFault())]
        case 44..<66: return [.deliver(dice.oneIn(3) ? dice.within(1...4) : dice.within(1...300))]
        case 66..<70: return [.burst((0...dice.below(5)).map { _ in dice.within(1...20) })]
        case 70..<80: return [.checkpoint(diskPlan(nests: true))]
        case 80..<85: return [.kill(crash(), startFault())]
        case 85..<87: return [.restart]
        case 87..<89: return [.revoke(dice.below(setting.partitions))]
        case 89..<92: return [.assign]
        case 92..<93: return [.outage(dice.within(1...3))]
        case 93..<95: return [clock()]
        case 95..<96: return [.retain(dice.below(30))]
        case 96..<97: return [.refuseLetters(dice.within(1...3))]
        default: return [.look]
        }
    }

    private mutating func clock() -> Step {
        let hours = Int64(dice.within(1...50)) * 3_600_000
        let jump = dice.oneIn(2) ? hours : -hours
        now = max(Self.beginning / 2, now + jump)
        return .clock(jump)
    }

    private mutating func appendFault() -> Step.AppendFault {
        switch dice.below(10) {
        case 0: .unanswered
        case 1: .lost
        case 2: .unknown(wasStored: true)
        case 3: .unknown(wasStored: false)
        case 4: .refused
        default: .none
        }
    }

    private mutating func crash() -> Step.Crash { dice.oneIn(3) ? .process : .power(dice.next() % 100_000) }

    private mutating func startFault() -> Step.StartFault? {
        guard dice.oneIn(3) else { return nil }
        return Step.StartFault(
            after: dice.scaled(60), fault: dice.oneIn(2) ? nil : dice.pick([.ioError, .full, .syncLost]),
            crash: crash())
    }

    private mutating func diskPlan(nests: Bool) -> Step.DiskPlan {
        switch dice.below(10) {
        case 0, 1:
            let fault = dice.pick([Step.Fault.ioError, .full, .syncLost])
            return .fails(fault, after: dice.scaled(200), count: dice.oneIn(3) ? 1_000 : dice.within(1...3))
        case 2, 3, 4: return .stops(after: dice.scaled(200), within: dice.oneIn(2), crash(), startFault())
        case 5, 6:
            guard nests else { return .sound }
            return .slow(after: dice.scaled(150), (0...dice.below(5)).map { _ in meanwhile() })
        default: return .sound
        }
    }

    private mutating func meanwhile() -> Step {
        switch dice.below(8) {
        case 0...2: .produce(entry())
        case 3: .feed(entry(), .none)
        case 4: .look
        default: .deliver(dice.within(1...40))
        }
    }

    // MARK: - Events

    private mutating func entry() -> Entry {
        now += 1_000
        if !written.isEmpty, dice.oneIn(12) { return again() }
        let entry = Entry(kind(), time: time(), id: id())
        written.append(entry)
        return entry
    }

    /// A second delivery, or another word under the same id.
    private mutating func again() -> Entry {
        var entry = dice.oneIn(2) ? dice.pick(written) : written[max(0, written.count - 1 - dice.below(6))]
        if dice.oneIn(6) { entry.kind = kind() }
        return entry
    }

    private mutating func time() -> Int64? {
        switch dice.below(8) {
        case 0: nil
        // Late, or ahead of the log.
        case 1, 2: max(1_000_000_000_000, now - Int64(dice.scaled(200_000)) * 1_000)
        case 3: now + Int64(dice.scaled(5_000)) * 1_000
        default: now
        }
    }

    private mutating func id() -> String? {
        guard dice.oneIn(3) else { return nil }
        nextID += 1
        return "event-\(nextID)"
    }

    /// The first are taken most.
    private mutating func user() -> Int { min(dice.below(users), dice.below(users)) }
    private mutating func item() -> Int { min(dice.below(items), dice.below(items)) }

    private mutating func kind() -> Entry.Kind {
        switch dice.below(100) {
        case 0..<42: .rating(user: user(), item: item(), value: Float(dice.within(0...10)) / 2)
        case 42..<62: .signal(user: user(), item: item(), name: dice.pick(Self.signals.keys.sorted()))
        case 62..<68: .retract(user: user(), item: item())
        case 68..<73: .hide(user: user(), item: item())
        case 73..<77: .unhide(user: user(), item: item())
        case 77..<81: .forget(user: user())
        case 81..<88: description()
        case 88..<92: .user(user(), tags: tags(always: true), added: tags(always: false))
        case 92..<94: .promote(dice.pick(setting.learners).rawValue)
        case 94..<98: .malformed(dice.below(Entry.malformed.count))
        default: .tombstone(user: user())
        }
    }

    private mutating func description() -> Entry.Kind {
        .item(
            item(), title: dice.oneIn(3) ? "Title \(dice.below(1_000))" : nil, tags: tags(always: false),
            added: tags(always: false), available: dice.oneIn(3) ? dice.oneIn(2) : nil)
    }

    private mutating func tags(always: Bool) -> [String]? {
        guard always || dice.oneIn(3) else { return nil }
        return Set((0...dice.below(4)).map { _ in "tag-\(dice.below(9))" }).sorted()
    }
}
