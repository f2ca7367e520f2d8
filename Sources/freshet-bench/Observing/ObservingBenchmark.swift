internal import ArgumentParser
internal import BenchmarkSupport
internal import Checkpoints
internal import Engine
internal import Events
internal import Foundation
internal import LookUps
internal import State

#if canImport(Glibc)
    internal import Glibc
#endif

/// What it costs to look at a daemon.
struct ObservingBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "observing",
        abstract: "What metrics, a scrape, the dashboard's viewers and its map cost.",
        discussion: """
            Metrics: processor time of learning the same events with metrics and HTTP, and without, in many short pairs, now \
            the one and now the other first; and what a scrape and a second of being watched take. All else on a state of \
            many rows: the time of a scrape and what it does to look-ups, the processor time of viewers, the time of the map.

            EXAMPLES
              swift run -c release freshet-bench observing
              swift run -c release freshet-bench observing --metrics-only
              swift run -c release freshet-bench observing --users 100000 --pairs 10
            """)

    @Option(help: "Users of the large state; a tenth as many items.") var users = 1_000_000
    @Option(help: "Events learned in each run.") var events = 100_000
    @Option(help: "Pairs of runs, one with metrics and one without.") var pairs = 60
    @Flag(help: "Only what metrics cost.") var metricsOnly = false
    @Option(help: "Viewers of the dashboard.") var viewers = 10
    @Option(help: "Seconds that they look on.") var seconds = 10

    func validate() throws {
        guard users >= 1_000, events >= 1_000, pairs > 1, viewers > 0, seconds > 0 else {
            throw ValidationError("at least 1000 users, 1000 events, two pairs, one viewer and one second")
        }
    }

    func run() async throws {
        try await metrics()
        if metricsOnly { return }
        let folder = try BenchmarkFolder()
        try writeState(folder.state)
        let file = try StateFile(path: folder.state, identity: ObservedEngine.identity(source: "memory"))
        let records = try eachItemTaken()
        let observed = try await ObservedEngine(file, ReplayLog(records: records), isObserved: true)
        observed.engine.start { _ in }
        while observed.engine.status().integer("position.0") ?? 0 < records.count {
            try await Task.sleep(for: .milliseconds(100))
        }
        // The last publication, and the samples of some seconds.
        try await Task.sleep(for: .seconds(5))
        try scrapes(observed)
        try await watch(observed)
        try map(observed)
        // Not stopped in order: that would write all of the state for nobody.
    }

    // MARK: - Metrics

    private func metrics() async throws {
        let records = try ObservedEngine.records(events: events)
        // The first run of a process warms it up.
        _ = try await learn(records, isObserved: true)
        var (with, without): ([Double], [Double]) = ([], [])
        for pair in 0..<pairs {
            // What drifts falls on both alike.
            for isObserved in pair.isMultiple(of: 2) ? [false, true] : [true, false] {
                let time = try await learn(records, isObserved: isObserved)
                if isObserved { with.append(time) } else { without.append(time) }
            }
        }
        let (mean, alone) = (with.reduce(0, +) / Double(pairs), without.reduce(0, +) / Double(pairs))
        Report.print([
            Comparison(
                name: "learning \(records.count) events, observed", ours: mean,
                baselineName: "nobody looks", baseline: alone, unit: "s of processor", moreIsBetter: false)
        ])
        let ratios = zip(with, without).map { 100 * ($0 / $1 - 1) }.sorted()
        // By ranks, so that one run that others have disturbed does not count for many (Wilcoxon's signed ranks, their
        // estimate and interval after Hodges and Lehmann).
        let averages = ratios.indices.flatMap { one in
            ratios.indices[one...].map { (ratios[one] + ratios[$0]) / 2 }
        }.sorted()
        let n = Double(ratios.count)
        let halfWidth = 1.96 * (n * (n + 1) * (2 * n + 1) / 24).squareRoot()
        let low = max(0, Int((n * (n + 1) / 4 - halfWidth).rounded(.down)))
        print(
            String(
                format: "    %+.2f %%, 95 %% between %+.2f and %+.2f (%d pairs)",
                averages[averages.count / 2],
                averages[low], averages[averages.count - 1 - low], pairs))
        try await standing(records)
    }

    /// What is spent each second, however much is learned: the page's samples, and a scrape.
    private func standing(_ records: [[UInt8]]) async throws {
        func idle(isObserved: Bool) async throws -> (perSecond: Double, perScrape: Double) {
            let folder = try BenchmarkFolder()
            let file = try StateFile(
                path: folder.state, identity: ObservedEngine.identity(source: "memory"))
            let observed = try await ObservedEngine(
                file, ReplayLog(records: records), isObserved: isObserved)
            try await learnAll(observed, records.count)
            try await Task.sleep(for: .seconds(3))
            var begin = Self.processorTime
            try await Task.sleep(for: .seconds(seconds))
            let perSecond = (Self.processorTime - begin) / Double(seconds)
            guard isObserved else {
                try await observed.stop()
                return (perSecond, 0)
            }
            begin = Self.processorTime
            for _ in 0..<200 { _ = try observed.site.get("/metrics") }
            let perScrape = (Self.processorTime - begin) / 200
            try await observed.stop()
            return (perSecond, perScrape)
        }
        let (watched, alone) = (try await idle(isObserved: true), try await idle(isObserved: false))
        print(
            String(
                format:
                    "    at rest %.3f %% of a core, nobody looks %.3f; a scrape %.2f ms with who asks: once a second %.3f %%",
                100 * watched.perSecond, 100 * alone.perSecond, 1000 * watched.perScrape,
                100 * watched.perScrape))
    }

    /// Processor time of the whole process from the start to the last event.
    private func learn(_ records: [[UInt8]], isObserved: Bool) async throws -> Double {
        let folder = try BenchmarkFolder()
        let file = try StateFile(path: folder.state, identity: ObservedEngine.identity(source: "memory"))
        let observed = try await ObservedEngine(file, ReplayLog(records: records), isObserved: isObserved)
        let begin = Self.processorTime
        try await learnAll(observed, records.count)
        let time = Self.processorTime - begin
        try await observed.stop()
        return time
    }

    private func learnAll(_ observed: ObservedEngine, _ count: Int) async throws {
        observed.engine.start { _ in }
        while observed.engine.status().integer("position.0") ?? 0 < count {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: - A large state

    private func writeState(_ path: String) throws {
        let owners = users + users / InventedState.itemsShare
        let perOwner = 1 + StateOptions().models.count
        let invented = try InventedState(rows: owners * perOwner, shards: 1, factors: 64)
        // The log in memory has none of these events.
        invented.state.positions = [0: 0]
        let file = try StateFile(path: path, identity: ObservedEngine.identity(source: "memory"))
        let frozen = invented.state.freeze()
        try file.write(frozen.head, then: frozen.nextPage)
        invented.state.thaw(frozen, isSaved: true)
        try file.close()
    }

    /// A map has the items that were taken.
    private func eachItemTaken() throws -> [[UInt8]] {
        try (0..<users / InventedState.itemsShare).map { item in
            let user = try EntityID("user-\(UInt32(truncatingIfNeeded: item) &* 2_654_435_761)")
            let event = Event(.rating(user: user, item: try EntityID("item-\(item)"), value: 5))
            return EventEncoder.encode(event, options: EventOptions())
        }
    }

    private func scrapes(_ observed: ObservedEngine) throws {
        let site = try observed.site
        var times: [Double] = []
        var bytes = 0
        let alone = lookups(observed) { Thread.sleep(forTimeInterval: 2) }
        let beside = try lookups(observed) {
            for _ in 0..<100 {
                let answer = try site.get("/metrics")
                times.append(answer.time.seconds * 1000)
                bytes = answer.bytes
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
        times.sort()
        print(
            String(
                format: "a scrape at %d users, %d bytes: p50 %.2f ms, p99 %.2f ms", users, bytes,
                times[times.count / 2], times[times.count * 99 / 100]))
        print(
            String(
                format:
                    "    a look-up beside 100 scrapes: p99 %.0f µs, at most %.0f µs; at rest %.0f, %.0f µs",
                beside.p99, beside.most, alone.p99, alone.most))
    }

    /// Look-ups on a thread of their own for as long as `body` takes, in microseconds.
    private func lookups(_ observed: ObservedEngine, _ body: () throws -> Void) rethrows -> (
        p99: Double, most: Double
    ) {
        let asking = LookupLoop(observed.engine, users: users)
        defer { asking.end() }
        try body()
        return asking.end()
    }

    private func watch(_ observed: ObservedEngine) async throws {
        let site = try observed.site
        func spent() async throws -> Double {
            let begin = Self.processorTime
            try await Task.sleep(for: .seconds(seconds))
            return (Self.processorTime - begin) / Double(seconds)
        }
        let alone = try await spent()
        var streams: [Int32] = []
        for _ in 0..<viewers {
            let descriptor = try site.send("/v1/stream")
            streams.append(descriptor)
            Thread.detachNewThread { _ = PlainHTTP.drain(descriptor) }
        }
        try await Task.sleep(for: .seconds(1))
        let watched = try await spent()
        for descriptor in streams { shutdown(descriptor, Int32(SHUT_RDWR)) }
        print(
            String(
                format: "%d viewers, who read in this process: %.2f %% of a core; none: %.2f %%", viewers,
                100 * watched, 100 * alone))
    }

    private func map(_ observed: ObservedEngine) throws {
        let site = try observed.site
        let alone = lookups(observed) { Thread.sleep(forTimeInterval: 1) }
        var answer: (time: Duration, bytes: Int) = (.zero, 0)
        let beside = try lookups(observed) { answer = try site.get("/v1/map") }
        print(
            String(
                format: "the map of %d items, %.1f MB: %.2f s",
                observed.engine.status().integer("items.count") ?? 0,
                Double(answer.bytes) / 1e6, answer.time.seconds))
        print(
            String(
                format: "    a look-up meanwhile: p99 %.0f µs, at most %.0f µs; at rest %.0f, %.0f µs",
                beside.p99, beside.most, alone.p99, alone.most))
    }

    private static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

extension [StatusField] {
    fileprivate func integer(_ name: String) -> Int? {
        guard case .integer(let number)? = first(where: { $0.name == name })?.value else { return nil }
        return Int(number)
    }
}
