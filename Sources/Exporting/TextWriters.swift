import Checkpoints

/// The text format of word2vec, which gensim's `KeyedVectors.load_word2vec_format` reads: a line of counts, then a line a
/// row, all parted by blanks. So blanks in ids are written as `%20`, and `%` as `%25`.
struct Word2VecWriter {
    private let table: ExportedTable

    init(_ table: ExportedTable) { self.table = table }

    func write(_ bytes: ExportBytes) {
        bytes.add("\(table.rows.count) \(table.factors)\n")
        for row in table.rows {
            bytes.add(Self.word(row.id))
            for number in row.vector { bytes.add(" \(number)") }
            bytes.add("\n")
        }
    }

    static func word(_ id: String) -> String {
        var word = ""
        for scalar in id.unicodeScalars {
            if scalar == "%" || scalar.properties.isWhitespace || scalar.value < 0x20 {
                for byte in String(scalar).utf8 {
                    let code = String(byte, radix: 16, uppercase: true)
                    word += "%" + (code.count < 2 ? "0" : "") + code
                }
            } else {
                word.unicodeScalars.append(scalar)
            }
        }
        return word
    }
}

/// The files of TensorBoard's projector (https://projector.tensorflow.org): vectors and metadata, a line a row, parted by
/// tabs; metadata with a header.
struct ProjectorWriter {
    private let table: ExportedTable

    init(_ table: ExportedTable) { self.table = table }

    func writeVectors(_ bytes: ExportBytes) {
        for row in table.rows { bytes.add(row.vector.map { "\($0)" }.joined(separator: "\t") + "\n") }
    }

    /// Tags are parted by `|`.
    func writeMetadata(_ bytes: ExportBytes) {
        let isOfItems = table.owner == .items
        bytes.add(isOfItems ? "id\ttitle\ttags\tusers\tbias\n" : "id\tbias\n")
        for row in table.rows {
            let cells =
                isOfItems
                ? [row.id, row.title ?? "", row.tags.joined(separator: "|"), "\(row.takers)", "\(row.bias)"]
                : [row.id, "\(row.bias)"]
            bytes.add(cells.map(Self.cell).joined(separator: "\t") + "\n")
        }
    }

    /// What `tensorboard --logdir` of the folder looks for.
    func writeConfiguration(_ bytes: ExportBytes) {
        bytes.add(
            """
            embeddings {
              tensor_path: "vectors.tsv"
              metadata_path: "metadata.tsv"
            }

            """)
    }

    private static func cell(_ text: String) -> String {
        String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
    }
}

/// Comma-separated values with a header (RFC 4180): a column for each factor.
struct CSVWriter {
    private let table: ExportedTable

    init(_ table: ExportedTable) { self.table = table }

    func write(_ bytes: ExportBytes) {
        let isOfItems = table.owner == .items
        let names = (0..<table.factors).map { "f\($0)" }
        bytes.add(
            ((isOfItems ? ["id", "title", "tags", "users", "bias"] : ["id", "bias"]) + names).joined(
                separator: ",") + "\n")
        for row in table.rows {
            var cells = [Self.cell(row.id)]
            if isOfItems {
                cells += [
                    Self.cell(row.title ?? ""), Self.cell(row.tags.joined(separator: "|")), "\(row.takers)",
                ]
            }
            cells += ["\(row.bias)"] + row.vector.map { "\($0)" }
            bytes.add(cells.joined(separator: ",") + "\n")
        }
    }

    static func cell(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
