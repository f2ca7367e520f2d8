import ArgumentParser
import Checkpoints
import Exporting
import Factors
import Foundation
import Plotting
import Reporting

struct MapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "Where items lie to each other: a picture, or the ends of each axis.",
        discussion: """
            Takes a model's rows along the directions in which they differ most (principal components), as the dashboard does. \
            Without --svg it prints the items at both ends of each axis.

            EXAMPLES
              freshet map
              freshet map --svg map.svg
              freshet map --svg map.svg --input copy.sqlite --model stars --axes 2 3 --count 2000
            """)

    /// Axes that are looked at.
    private static let axisCount = 3

    @OptionGroup var place: StatePlace
    @Option(help: ArgumentHelp("Draw a picture.", valueName: "file")) var svg: String?
    @Option(help: "Only the items that most users took.") var count = 1_000
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Which two of the three axes the picture has.", valueName: "axis"))
    var axes = [1, 2]
    @Option(help: "How many of the most taken items are named in the picture.") var labels = 40

    func validate() throws {
        guard count >= 2 else { throw ValidationError("--count is \(count), allowed is 2 or more") }
        guard axes.count == 2, axes[0] != axes[1], axes.allSatisfy((1...Self.axisCount).contains) else {
            throw ValidationError(
                "--axes are \(axes.map(String.init).joined(separator: " ")), allowed are two of 1, 2 and 3")
        }
    }

    func run() throws {
        let file = try place.file()
        do {
            let model = try place.model(of: file)
            var table = try ExportCommand.table(file, .items, model, count: nil, normalized: false)
            // Rows of items that nobody took are where they began.
            table.keepMostTaken(min(count, table.rows.count { $0.takers > 0 }))
            let rows = table.rows.flatMap(\.vector)
            guard
                let components = PrincipalComponents(
                    of: rows, factors: max(1, table.factors), min(Self.axisCount, max(1, table.factors)))
            else { throw CommandError("there are too few items in '\(file)' to make a map of", code: .data) }
            if let svg {
                try Self.write(picture(of: table, components).svg, to: svg)
                Terminal.write("\(NumberText.grouped(table.rows.count)) items of '\(model)': \(svg)")
            } else {
                Terminal.write(Self.ends(of: table, components))
            }
        } catch let error as CommandError {
            throw error.report()
        }
    }

    private func picture(of table: ExportedTable, _ components: PrincipalComponents) -> PointMap {
        let (across, up) = (components.places[axes[0] - 1], components.places[axes[1] - 1])
        let points = table.rows.enumerated().map { place, row in
            PointMap.Point(
                name: row.title ?? row.id, x: Double(across[place]), y: Double(up[place]),
                weight: Double(row.takers),
                group: row.tags.first)
        }
        func axis(_ number: Int) -> String {
            let percent = Int((components.explained[number - 1] * 100).rounded())
            return "axis \(number) (\(percent) % of all difference)"
        }
        return PointMap(
            title: "\(table.rows.count) items of '\(table.model)'", xAxis: axis(axes[0]),
            yAxis: axis(axes[1]),
            points: points, labels: labels)
    }

    /// The items furthest out, of each axis in both directions.
    private static func ends(of table: ExportedTable, _ components: PrincipalComponents) -> String {
        components.places.enumerated().map { number, places in
            let order = places.indices.sorted { (places[$0], $0) < (places[$1], $1) }
            var lines = Table([
                Table.Column(title: "low", widthMax: 36), Table.Column(title: "high", widthMax: 36),
            ])
            for place in 0..<min(8, order.count) {
                let (low, high) = (table.rows[order[place]], table.rows[order[order.count - 1 - place]])
                lines.append([low.title ?? low.id, high.title ?? high.id])
            }
            let percent = Int((components.explained[number] * 100).rounded())
            let value = String(format: "%.3f", components.singularValues[number])
            return
                "axis \(number + 1), \(percent) % of all difference, singular value \(value)\n\(lines.text)"
        }.joined(separator: "\n\n")
    }

    private static func write(_ text: String, to path: String) throws(CommandError) {
        do {
            try Data(text.utf8).write(to: URL(filePath: path))
        } catch {
            throw CommandError("--svg: \(FileProblem.words(error, writing: path))", code: .cannotCreate)
        }
    }
}
