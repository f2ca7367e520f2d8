import ArgumentParser
import Checkpoints
import Foundation
import Reporting

struct CheckpointDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Says in what two copies of a state differ: positions, counts, rows and checksums.",
        discussion: """
            Each is the name of a generation, the path of a file, newest, or current for the state itself. Rows are compared by \
            the checksums that were written with them. Nothing is written, and a right to read is enough.

            EXAMPLES
              freshet checkpoint diff newest current
              freshet checkpoint diff 2026-11-26T105000Z-40300 copy.sqlite --json

            EXIT CODES
              0 they are alike     1 they differ     65 one is missing or damaged     66 one may not be read
            """)

    @OptionGroup var place: GenerationPlace

    @Argument(help: "A generation, a file, newest, or current.") var first: String
    @Argument(help: "The other one.") var second = "current"

    private struct Answer: Encodable {
        struct Value: Encodable { var first, second: String }
        struct Rows: Encodable { var removed, added, changed: Int }
        var values: [String: Value]
        var rows: [String: Rows]
        var alike: Bool
    }

    func run() throws {
        do {
            let difference = try StateFile.difference(place.file(first), place.file(second))
            let values = Self.values(difference)
            let isAlike =
                values.allSatisfy { $0.first == $0.second } && difference.tables.allSatisfy(\.isEqual)
            if place.json {
                let answer = Answer(
                    values: Dictionary(
                        uniqueKeysWithValues: values.map {
                            ($0.name, .init(first: $0.first, second: $0.second))
                        }),
                    rows: Dictionary(
                        uniqueKeysWithValues: difference.tables.map {
                            ($0.table, .init(removed: $0.removed, added: $0.added, changed: $0.changed))
                        }), alike: isAlike)
                Terminal.write(try GenerationJSON.line(answer))
            } else {
                Terminal.write(isAlike ? "they are alike" : Self.text(values, difference))
            }
            if !isAlike { throw ExitCode(1) }
        } catch let error as CommandError {
            throw error.report()
        } catch let error as StateError {
            throw CommandError(looking: error).report()
        }
    }

    private static func text(_ values: [Value], _ difference: StateDifference) -> String {
        var table = Table([
            Table.Column(title: "what"), Table.Column(title: "first", alignment: .right),
            Table.Column(title: "second", alignment: .right),
        ])
        for value in values where value.first != value.second {
            table.append([value.name, value.first, value.second])
        }
        var rows = Table(
            [Table.Column(title: "rows of")]
                + ["first alone", "second alone", "changed"].map {
                    Table.Column(title: $0, alignment: .right)
                })
        for found in difference.tables where !found.isEqual {
            rows.append([found.table, String(found.removed), String(found.added), String(found.changed)])
        }
        return [table.text, rows.text].joined(separator: "\n\n")
    }

    private typealias Value = (name: String, first: String, second: String)

    private static func values(_ difference: StateDifference) -> [Value] {
        func pair(_ name: String, _ value: (StateVerification) -> String) -> Value {
            (name, value(difference.first), value(difference.second))
        }
        let partitions = Set(difference.first.positions.keys).union(difference.second.positions.keys)
        let counters = Set(difference.first.scalars.keys).union(difference.second.scalars.keys)
            .filter { $0.hasPrefix("events.") }
        let tables = Set(difference.first.checksums.keys).union(difference.second.checksums.keys)
        return [
            pair("log") { $0.identity.source }, pair("factors") { String($0.identity.factors) },
            pair("models") { $0.identity.modelNames.joined(separator: " ") },
        ]
            + partitions.sorted().map { partition in
                pair("position \(partition)") { $0.positions[partition].map { String($0) } ?? "none" }
            }
            + [pair("users") { String($0.users) }, pair("items") { String($0.items) }]
            + counters.sorted().map { name in pair(name) { String(GenerationPlace.integer(name, $0)) } }
            + tables.sorted().map { table in
                pair("checksum of \(table)") { found in
                    found.checksums[table].map { String($0, radix: 16) } ?? "none"
                }
            }
    }
}
