// Exporting: what the models know, in files that other tools read.
//
// Here live the rows of one model as they leave, and the formats: NumPy's, word2vec's, that of TensorBoard's projector,
// and CSV. Rows of a state file come in, files go out. What never comes in: the daemon, and what a row means to a model.

package import Checkpoints
import Foundation
package import Reporting

/// The forms there are.
package enum ExportFormat: String, Sendable, CaseIterable {
    case npy, word2vec, projector, csv
}

/// Rows of one model, all in memory: as many floats as the table has.
package struct ExportedTable: Sendable {
    package var owner: VectorOwner
    package var model: String
    package private(set) var rows: [StoredVector] = []
    package private(set) var factors = 0

    package init(owner: VectorOwner, model: String) { (self.owner, self.model) = (owner, model) }

    /// - Parameter normalized: rows are made one long, for tools that compare by angle.
    package mutating func add(_ row: StoredVector, normalized: Bool) {
        var row = row
        factors = max(factors, row.vector.count)
        if normalized {
            let length = row.vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if length > 0 { row.vector = row.vector.map { $0 / length } }
        }
        rows.append(row)
    }

    /// Keeps the rows of the items that most users took, in their order.
    package mutating func keepMostTaken(_ count: Int) {
        guard rows.count > count else { return }
        let kept = rows.indices.sorted { (rows[$0].takers, $1) > (rows[$1].takers, $0) }.prefix(count)
            .sorted()
        rows = kept.map { rows[$0] }
    }

    /// Writes the files of a format. Each appears whole, or not at all.
    ///
    /// - Parameter output: a file or, of formats with several, a folder.
    /// - Returns: the files written.
    package func write(_ format: ExportFormat, to output: String) throws(CommandError) -> [String] {
        switch format {
        case .csv: return [try Self.write(output) { CSVWriter(self).write($0) }]
        case .word2vec: return [try Self.write(output) { Word2VecWriter(self).write($0) }]
        case .npy:
            let numpy = NumPyWriter(self)
            return try inFolder(output, ["vectors.npy", "biases.npy", "ids.npy", "metadata.tsv"]) {
                name, bytes in
                switch name {
                case "vectors.npy": numpy.writeVectors(bytes)
                case "biases.npy": numpy.writeBiases(bytes)
                case "ids.npy": numpy.writeIDs(bytes)
                default: ProjectorWriter(self).writeMetadata(bytes)
                }
            }
        case .projector:
            let projector = ProjectorWriter(self)
            return try inFolder(output, ["vectors.tsv", "metadata.tsv", "projector_config.pbtxt"]) {
                name, bytes in
                switch name {
                case "vectors.tsv": projector.writeVectors(bytes)
                case "metadata.tsv": projector.writeMetadata(bytes)
                default: projector.writeConfiguration(bytes)
                }
            }
        }
    }

    private func inFolder(
        _ folder: String, _ names: [String], _ fill: (String, ExportBytes) -> Void
    ) throws(CommandError) -> [String] {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError("--output \(folder): \(error.localizedDescription)", code: .cannotCreate)
        }
        var written: [String] = []
        for name in names { written.append(try Self.write("\(folder)/\(name)") { fill(name, $0) }) }
        return written
    }

    private static func write(_ path: String, _ fill: (ExportBytes) -> Void) throws(CommandError) -> String {
        let bytes = ExportBytes()
        fill(bytes)
        do {
            try bytes.data.write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandError("--output: \(FileProblem.words(error, writing: path))", code: .cannotCreate)
        }
        return path
    }
}

/// A file's bytes as they gather.
final class ExportBytes {
    private(set) var data = Data()

    func add(_ text: String) { data.append(contentsOf: text.utf8) }
    func add(_ numbers: [Float]) {
        for number in numbers {
            withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
        }
    }
    func add(_ bytes: [UInt8]) { data.append(contentsOf: bytes) }
    func add(_ number: UInt32) { withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) } }
}
