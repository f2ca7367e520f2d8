internal import ArgumentParser
internal import BenchmarkSupport
internal import ClusterItems
internal import Events
internal import Foundation
internal import State

/// What it costs in quality, and in bytes, to learn one stream on several machines.
struct ClusterBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract:
            "A file learned by several machines, simulated in one process: quality beside one machine, bytes.",
        discussion: """
            Each machine learns the events of its users with the engine's own learners, and the machines exchange what they \
            have learned of items, through the bytes that would travel. The rate is that of the machine that takes longest to \
            learn, tell and hear, one after the other, once the machines know of each other: from the second exchange on. \
            Events come at --rate for all together, and \
            --staleness-ms of them are learned between two exchanges. What is not simulated is the network and Kafka.

            EXAMPLES
              freshet-bench cluster ml-1m/ratings.csv.gz --instances 4 --staleness-ms 1000
              freshet-bench cluster ml-1m/ratings.csv.gz --instances 2 --instances 16 --rule averaged
              freshet-bench cluster ml-1m/ratings.csv.gz --instances 2 --instances 4 --rates
            """)

    @Argument(help: "MovieLens, CSV or JSONL, gzip or not.") var file: String
    @Option(help: "Machines; may be given several times.") var instances: [Int] = [4]
    @Option(help: "Milliseconds between two exchanges; may be given several times.") var stalenessMs = [1_000]
    @Option(help: "damped:100, added, averaged, or elastic:0.5; may be given several times.")
    var rule = ["damped:100"]
    @Option(help: "Events a second, of all machines together.") var rate = 10_000
    @Option(help: "Bytes a second that a machine may send; 0 for no bound.") var bytesPerSecond = 0
    @Flag(help: "How many events a second are learned, rather than how well.") var rates = false
    @Flag(help: "Learn a third model of rows beside the defaults: warp.") var warp = false
    @Option(help: "One liked event in so many is ranked.") var rankEvery = 10
    @Option(help: "Events of the file that are taken; 0 for all.") var eventsMax = 0

    func validate() throws {
        guard instances.allSatisfy({ (1...1_000).contains($0) }), stalenessMs.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("there must be 1 to 1000 instances, and milliseconds between exchanges")
        }
        guard rate > 0, rankEvery > 0, bytesPerSecond >= 0, eventsMax >= 0 else {
            throw ValidationError("rate and rank-every must be above 0, the others not below")
        }
        _ = try rules()
    }

    func run() throws {
        let events = try load()
        guard !rates else { return try compareRates(events) }
        let one = try simulate(events, instances: 1, stalenessMs: 100, rule: .added)
        Swift.print("\(events.count) events, \(one.ranked) of them ranked; one machine:")
        for (name, recall) in one.recalls { Swift.print("  \(name): recall@10 \(Self.text(recall))") }
        for (name, error) in one.errors { Swift.print("  \(name): RMSE \(Self.text(error))") }
        for count in instances where count > 1 {
            for staleness in stalenessMs {
                for (name, rule) in try rules() {
                    let many = try simulate(events, instances: count, stalenessMs: staleness, rule: rule)
                    Swift.print("\(count) machines, \(staleness) ms, \(name):")
                    print(many, beside: one, instances: count)
                }
            }
        }
    }

    private func print(_ many: ClusterSimulation.Result, beside one: ClusterSimulation.Result, instances: Int)
    {
        var comparisons: [Comparison] = []
        for ((name, recall), (_, whole)) in zip(many.recalls, one.recalls) {
            comparisons.append(
                Comparison(
                    name: "  \(name): recall@10", ours: recall, baselineName: "one machine", baseline: whole,
                    unit: ""))
        }
        for ((name, error), (_, whole)) in zip(many.errors, one.errors) {
            comparisons.append(
                Comparison(
                    name: "  \(name): RMSE", ours: error, baselineName: "one machine", baseline: whole,
                    unit: "",
                    moreIsBetter: false))
        }
        Report.print(comparisons)
        let each = many.bytesPerEvent * Double(rate) / Double(instances) / 1e6
        Swift.print(
            String(
                format:
                    "    %.0f bytes an event; a machine sends %.2f MB/s and gets %.2f MB/s; %d rows waited",
                many.bytesPerEvent, each, each * Double(instances - 1), many.held))
        if many.unknown + many.rejected > 0 {
            Swift.print("    \(many.unknown) changes of unknown items, \(many.rejected) refused")
        }
    }

    private func compareRates(_ events: [Event]) throws {
        for staleness in stalenessMs {
            let one = try simulate(events, instances: 1, stalenessMs: staleness, rule: .added)
            let window = max(1, rate * staleness / 1_000)
            Swift.print("\(events.count) events, items told every \(window); one machine:")
            Swift.print("  \(Int(one.rate)) events/s")
            for count in instances where count > 1 {
                for (name, rule) in try rules() {
                    let many = try simulate(events, instances: count, stalenessMs: staleness, rule: rule)
                    Swift.print("\(count) machines, \(name):")
                    let parts = [many.busy.learning, many.busy.telling, many.busy.hearing].map {
                        100 * $0 / many.busy.sum
                    }
                    Swift.print(
                        String(
                            format:
                                "  %.0f events/s, %.2f × one machine's; its time: %.0f %% learning, %.0f %% telling, %.0f %% hearing",
                            many.rate, many.rate / one.rate, parts[0], parts[1], parts[2]))
                }
            }
        }
    }

    private static func text(_ number: Double) -> String { String(format: "%.4f", number) }

    private func rules() throws -> [(String, MergeRule)] {
        try rule.map { text in
            if text == "added" { return (text, .added) }
            if text == "averaged" { return (text, .averaged) }
            if text.hasPrefix("elastic:"), let part = Float(text.dropFirst(8)), part > 0, part <= 1 {
                return (text, .elastic(part))
            }
            if text.hasPrefix("damped:"), let few = Float(text.dropFirst(7)), few >= 0 {
                return (text, .damped(few))
            }
            throw ValidationError("no rule '\(text)'; there are damped:STEPS, added, averaged, elastic:PART")
        }
    }

    private func simulate(
        _ events: [Event], instances: Int, stalenessMs: Int, rule: MergeRule
    ) throws -> ClusterSimulation.Result {
        var options = ExchangeOptions()
        options.rule = rule
        if bytesPerSecond > 0 { options.bytesMax = max(1, bytesPerSecond * stalenessMs / 1_000) }
        var simulation = ClusterSimulation(
            instances: instances, window: max(1, rate * stalenessMs / 1_000),
            rankEvery: rates ? nil : rankEvery, warp: warp, exchange: options)
        return try simulation.run(events)
    }

    private func load() throws -> [Event] {
        let source = try EventFile.open(file, format: nil, options: EventOptions())
        var events: [Event] = []
        while let line = try source.next() {
            if case .event(let event) = line { events.append(event) }
        }
        guard !events.isEmpty else { throw ValidationError("'\(file)' holds no events") }
        let order = events.indices.sorted { (events[$0].time ?? 0, $0) < (events[$1].time ?? 0, $1) }
        return order.prefix(eventsMax > 0 ? eventsMax : events.count).map { events[$0] }
    }
}
