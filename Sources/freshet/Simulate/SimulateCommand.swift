public import ArgumentParser
import Events
import Feeding
import Foundation
public import InventedWorlds
import Reporting

/// `freshet simulate`
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Writes a stream of events of a small invented world, one JSON object a line.",
        discussion: """
            Descriptions of items come with titles and tags, and what users do with them as ratings and signals. The
            same options give the same stream, whatever the machine.

            WORLDS
              films  slow tastes: ratings, and clicks on what is rated or not; nothing is rated twice
              shop   purchases in baskets, whose events share a time: most are of what the household buys again and
                     again, each thing at a pace of its own, and some are tries (products, categories, brands);
                     wants --set 'events.signals={purchase: 1}' where it is read
              news   clicks in sessions on stories that are born and die within hours; what is read goes by how
                     young and how drastic a story is, the user's topics, and what the story before leads to;
                     --items says how many stories are about at once

            THE BEST POSSIBLE
              With --world the best possible recall@10 is told on standard error once the stream ends, and --oracle
              writes it for each event, which `freshet evaluate --oracle` shows beside the models. It is what an oracle
              reaches that knows the world: the user's own tastes, habits and paces, each item's pull at the time,
              and all that was done before. It knows who comes and when, but not what will be taken, and can
              name only items that somebody took before. What it reaches no model can beat, and none quite
              reaches, as a model has to learn from the stream what the oracle knows. Of films it is the best for
              what is liked, as `evaluate` has it by default: clicks and ratings of 4 or more.

            EXAMPLES
              freshet simulate --events 100000 | freshet feed -
              freshet simulate --rate 50 | freshet feed -
              freshet simulate --world news --events 100000 --oracle best.csv > news.jsonl
              freshet evaluate --input news.jsonl --oracle best.csv --protocol prequential --algorithm trending
            """)

    @Option(help: "films, shop or news.")
    var world: InventedWorld.Name?
    @Option(help: ArgumentHelp("Users who come over time; the world's own number if absent.", valueName: "n"))
    var users: Int?
    @Option(
        help: ArgumentHelp(
            "Items described at the beginning, of news about at once; the world's own number if absent.",
            valueName: "n"))
    var items: Int?
    @Option(
        help: ArgumentHelp(
            "Ratings and signals to write beside the items; 0 goes on for ever.", valueName: "n"))
    var events = 0
    @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Events a second; 0 writes as fast as they are read.", valueName: "n"))
    var rate = 0.0
    @Option(
        help: ArgumentHelp(
            "How far each taste moves with each act of its user, in stars (films).", valueName: "x"))
    var drift = 0.01
    @Option(help: ArgumentHelp("Time of the first event, milliseconds since 1970.", valueName: "ms"))
    var startTime: Int64 = 1_700_000_000_000
    @Option(
        help: ArgumentHelp(
            "Writes for each rating and signal how well it could have been foretold, as CSV.",
            valueName: "file"))
    var oracle: String?

    func validate() throws {
        if let users, !(1...10_000_000).contains(users) {
            throw ValidationError("--users is \(users); allowed is 1 to 10000000")
        }
        if let items, !(1...100_000).contains(items) {
            throw ValidationError("--items is \(items); allowed is 1 to 100000")
        }
        guard events >= 0 else { throw ValidationError("--events is \(events); allowed is 0 or more") }
        guard (0...1e6).contains(rate) else {
            throw ValidationError("--rate is \(rate); allowed is 0 to 1000000")
        }
        guard (0...10).contains(drift) else {
            throw ValidationError("--drift is \(drift); allowed is 0 to 10")
        }
        guard EventOptions().times.contains(startTime) else {
            throw ValidationError("--start-time is \(startTime); allowed are milliseconds from 1970 to 2200")
        }
        if oracle != nil, events == 0 {
            throw ValidationError("--oracle is for a stream that ends; say --events")
        }
    }

    func run() throws {
        // Whoever names no world gets the stream alone, as fast as it can be written.
        let tellsTruth = oracle != nil || world != nil && events > 0
        var invented = try InventedWorld(
            InventedWorld.Options(
                world ?? .films, users: users, items: items, events: events, seed: seed, drift: drift,
                startTime: startTime, tellsTruth: tellsTruth))
        var output = LineWriter(descriptor: STDOUT_FILENO, bytesHeldMax: rate > 0 ? 0 : 65_536)
        var truths = try oracle.map { try TruthFile(path: $0) }
        var summary = TruthSummary()
        var pace = Pace(perSecond: rate)
        let options = EventOptions()
        while let event = try invented.next() {
            pace.wait()
            guard try output.write(EventEncoder.encode(event, options: options)) else { return }
            guard tellsTruth, let line = TruthLine(event, truth: invented.truth) else { continue }
            summary.add(invented.truth)
            try truths?.write(line)
        }
        _ = try output.flush()
        try truths?.finish()
        if tellsTruth { Terminal.writeError(Self.text(of: summary, world ?? .films)) }
    }

    private static func text(of summary: TruthSummary, _ world: InventedWorld.Name) -> String {
        func text(_ figure: TruthSummary.Figure, _ seen: String) -> String {
            let numbers = [figure.expected, figure.reached, 1.96 * figure.standardError].map {
                $0.formatted(.number.precision(.fractionLength(4)).locale(Locale(identifier: "en")))
            }
            return "  --seen \(seen): \(numbers[0]) over \(NumberText.grouped(figure.events)) events, "
                + "\(NumberText.grouped(figure.firsts)) of them on what nobody had taken; reached here: \(numbers[1]), to "
                + "be expected within \(numbers[2])"
        }
        var lines = [
            "\(world.rawValue): \(NumberText.grouped(summary.acts)) ratings and signals; the best possible recall@10:"
        ]
        if world.repeats { lines.append(text(summary.allowed, "allow")) }
        lines.append(text(summary.new, "exclude"))
        return lines.joined(separator: "\n")
    }
}

extension InventedWorld.Name: ExpressibleByArgument {}

extension TruthLine {
    /// `nil` for an event that is neither rating nor signal.
    fileprivate init?(_ event: Event, truth: ChoiceTruth?) {
        switch event.kind {
        case .rating(let user, let item, _), .signal(let user, let item, _):
            self.init(user: user.string, item: item.string, truth: truth)
        default: return nil
        }
    }
}

/// What `--oracle` names.
private struct TruthFile {
    private let path: String
    private var writer: LineWriter

    init(path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
        guard descriptor >= 0 else { throw CommandError("--oracle \(path): \(errorText())") }
        self.path = path
        writer = LineWriter(descriptor: descriptor, bytesHeldMax: 65_536)
        _ = try writer.write(Array(TruthLine.header.utf8))
    }

    mutating func write(_ line: TruthLine) throws { _ = try writer.write(Array(line.text.utf8)) }

    mutating func finish() throws {
        _ = try writer.flush()
        close(writer.descriptor)
    }
}

/// Lines to standard output or a file.
private struct LineWriter {
    let descriptor: Int32
    let bytesHeldMax: Int
    private var held: [UInt8] = []

    init(descriptor: Int32, bytesHeldMax: Int) {
        self.descriptor = descriptor
        self.bytesHeldMax = bytesHeldMax
        signal(SIGPIPE, SIG_IGN)  // a reader that has gone shows as EPIPE
    }

    /// False once nobody reads any more, as after `| head`.
    mutating func write(_ line: [UInt8]) throws -> Bool {
        held.append(contentsOf: line)
        held.append(UInt8(ascii: "\n"))
        return held.count > bytesHeldMax ? try flush() : true
    }

    mutating func flush() throws -> Bool {
        var written = 0
        while written < held.count {
            let count = held.withUnsafeBytes { bytes in
                Foundation.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EPIPE { return false }
            guard count >= 0 else { throw CommandError("cannot write: \(errorText())") }
            written += count
        }
        held.removeAll(keepingCapacity: true)
        return true
    }
}
