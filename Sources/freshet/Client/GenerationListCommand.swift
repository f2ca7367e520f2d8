import ArgumentParser
import Checkpoints
import Foundation
import Generations
import Reporting

struct CheckpointListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the copies of a state that there are to go back to, the newest first.",
        discussion: """
            A running daemon makes them by itself (checkpoint.keep, checkpoint.keep-every-seconds). Looks at the folder, \
            beside a running daemon too, and not into every row: freshet checkpoint verify --all does that.

            The last column says whether the embedded log of the folder still holds all that came after, which is learned \
            again when a copy is restored; of Kafka, the topic's retention decides.

            EXAMPLES
              freshet checkpoint list
              freshet checkpoint list --folder /var/lib/freshet --json

            EXIT CODES
              0 told, also where there are none     65 there is no such folder     66 it may not be read
            """)

    @OptionGroup var place: GenerationPlace

    private struct Line: Encodable {
        var name: String
        var time: Int64
        var bytes: Int64
        var positions: [String: Int64]
        var events: Int64
        var users: Int
        var items: Int
        var problem: String?
        var eventsMissing: Int64
    }

    func run() throws {
        do throws(CommandError) {
            try place.requireFolder()
        } catch {
            throw error.report()
        }
        let lines = place.generations.all.map(line)
        if place.json { return Terminal.write(try GenerationJSON.line(lines)) }
        var table = Table(
            [Table.Column(title: "generation"), Table.Column(title: "positions")]
                + ["events", "users", "items", "MiB"].map { Table.Column(title: $0, alignment: .right) }
                + [Table.Column(title: "log")])
        for line in lines {
            let positions = line.positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            let log =
                line.eventsMissing > 0 ? "\(line.eventsMissing) events are gone" : "holds what came after"
            table.append([
                line.name, positions.joined(separator: " "), String(line.events), String(line.users),
                String(line.items), String((line.bytes + (1 << 19)) >> 20), line.problem ?? log,
            ])
        }
        Terminal.write(
            lines.isEmpty ? "'\(place.generations.path)' has no generations" : table.text)
    }

    private func line(_ generation: Generation) -> Line {
        var line = Line(
            name: generation.name, time: generation.time, bytes: generation.bytes, positions: [:], events: 0,
            users: 0, items: 0, problem: nil, eventsMissing: 0)
        do throws(StateError) {
            let found = try StateFile.summary(path: generation.path)
            line.positions = Dictionary(
                uniqueKeysWithValues: found.positions.map { (String($0.key), $0.value) })
            line.events = GenerationPlace.integer("events.applied", found)
            (line.users, line.items) = (found.users, found.items)
            line.problem = found.problems.first
            line.eventsMissing = place.missingEvents(after: found.positions) ?? 0
        } catch {
            line.problem = error.message
        }
        return line
    }
}
