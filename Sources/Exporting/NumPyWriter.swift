import Checkpoints

/// Arrays as `numpy.load` reads them: the NPY format, version 1.0
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), without pickles.
struct NumPyWriter {
    private let table: ExportedTable

    init(_ table: ExportedTable) { self.table = table }

    /// Shape: rows × factors, float32.
    func writeVectors(_ bytes: ExportBytes) {
        header("<f4", "(\(table.rows.count), \(table.factors))", bytes)
        for row in table.rows { bytes.add(row.vector) }
    }

    /// Shape: rows, float32.
    func writeBiases(_ bytes: ExportBytes) {
        header("<f4", "(\(table.rows.count),)", bytes)
        bytes.add(table.rows.map(\.bias))
    }

    /// Shape: rows, text as long as the longest.
    func writeIDs(_ bytes: ExportBytes) {
        let longest = max(1, table.rows.map(\.id.unicodeScalars.count).max() ?? 1)
        header("<U\(longest)", "(\(table.rows.count),)", bytes)
        for row in table.rows {
            var count = 0
            for scalar in row.id.unicodeScalars {
                bytes.add(scalar.value)
                count += 1
            }
            for _ in count..<longest { bytes.add(0) }
        }
    }

    private func header(_ type: String, _ shape: String, _ bytes: ExportBytes) {
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
        // Magic, version and length take ten bytes; all together a multiple of 64, the last a line's end.
        let length = (10 + text.utf8.count + 1 + 63) / 64 * 64 - 10
        text += String(repeating: " ", count: length - text.utf8.count - 1) + "\n"
        bytes.add("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) })
        bytes.add([1, 0, UInt8(length & 0xff), UInt8(length >> 8)])
        bytes.add(text)
    }
}
