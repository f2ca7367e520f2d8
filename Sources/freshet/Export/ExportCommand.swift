public import ArgumentParser
public import Checkpoints
import Exporting
import Foundation
import Reporting

extension ExportFormat: ExpressibleByArgument {}
extension VectorOwner: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the rows of users or items, with ids, titles and tags, for other tools.",
        discussion: """
            Reads a state file, for which a right to read is enough, or asks the running daemon for a checkpoint and reads its \
            file beside it.

            FORMATS
              npy        a folder: vectors.npy (rows × factors, float32), biases.npy, ids.npy for numpy.load; metadata.tsv
              word2vec   a file for gensim's load_word2vec_format; blanks in ids become %20
              projector  a folder: vectors.tsv, metadata.tsv for projector.tensorflow.org, and a configuration for TensorBoard
              csv        a file with a header and a column for each factor

            EXAMPLES
              freshet export --format npy --output items
              freshet export --format word2vec --output items.txt --input copy.sqlite
              freshet export --format projector --output folder --count 10000 --normalize
              freshet export --of users --format csv --model stars --output users.csv
            """)

    @OptionGroup var place: StatePlace
    @Option(help: "What is written: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: ExportFormat
    @Option(help: ArgumentHelp("Whose rows: items or users.", valueName: "owner")) var of = VectorOwner.items
    @Option(help: ArgumentHelp("The file or, of npy and projector, the folder.", valueName: "path"))
    var output: String
    @Option(help: "Only the items that most users took.") var count: Int?
    @Flag(help: "Make each row one long, for tools that compare by angle.") var normalize = false

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is \(count), allowed is 1 or more") }
        if count != nil, of == .users { throw ValidationError("--count is for items") }
    }

    func run() throws {
        let file = try place.file()
        do {
            let model = try place.model(of: file)
            let table = try Self.table(file, of, model, count: count, normalized: normalize)
            let written = try table.write(format, to: output)
            let rows =
                "\(NumberText.grouped(table.rows.count)) \(of.rawValue) of '\(model)', \(table.factors) factors"
            Terminal.write("\(rows): \(written.joined(separator: ", "))")
        } catch let error as CommandError {
            throw error.report()
        }
    }

    static func table(
        _ file: String, _ owner: VectorOwner, _ model: String, count: Int?, normalized: Bool
    ) throws -> ExportedTable {
        var table = ExportedTable(owner: owner, model: model)
        do {
            try StateFile.readVectors(path: file, of: owner, model: model) {
                table.add($0, normalized: normalized)
            }
        } catch let error as StateError {
            throw CommandError(looking: error)
        }
        if let count { table.keepMostTaken(count) }
        return table
    }
}
