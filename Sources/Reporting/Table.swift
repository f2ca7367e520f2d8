/// Columns of text, aligned for a terminal.
///
/// ```swift
/// var table = Table([Table.Column(title: "item"), Table.Column(title: "score", alignment: .right)])
/// table.append(["i7", "0.91"])
/// Terminal.write(table.text)
/// ```
public struct Table: Equatable, Sendable {
    /// The side of the column that cells stand at.
    public enum Alignment: Sendable { case left, right }

    /// What holds for all cells of a column.
    public struct Column: Equatable, Sendable {
        /// Stands above the cells.
        public var title: String
        /// Of the title and of all cells.
        public var alignment: Alignment
        /// In cells of a terminal; wider text is cut, and ends in `…`.
        public var widthMax: Int

        /// - Parameters:
        ///   - title: stands above the column.
        ///   - widthMax: in cells of a terminal; wider text is cut.
        public init(title: String, alignment: Alignment = .left, widthMax: Int = 60) {
            self.title = title
            self.alignment = alignment
            self.widthMax = widthMax
        }
    }

    /// From left to right.
    public let columns: [Column]
    /// Cells as they are printed: cut, and without control characters.
    public private(set) var rows: [[String]] = []

    /// A table without rows.
    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// A row shorter than the columns is filled with empty cells.
    public mutating func append(_ cells: [String]) {
        let cells = zip(columns, cells).map { Self.fit($1, to: $0.widthMax) }
        rows.append(cells + Array(repeating: "", count: columns.count - cells.count))
    }

    /// One line a row under a line of titles, no spaces at the ends of lines.
    public var text: String {
        let header = columns.map(\.title)
        let widths = columns.indices.map { index in
            rows.reduce(Self.width(header[index])) { max($0, Self.width($1[index])) }
        }
        return ([header] + rows).map { cells in
            let line = columns.indices.map { Self.pad(cells[$0], to: widths[$0], columns[$0].alignment) }
            return String(line.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// Control characters could steer the terminal, and titles come from outside.
    public static func printable(_ text: String) -> String {
        String(
            text.map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "?" : $0 })
    }

    private static func fit(_ cell: String, to widthMax: Int) -> String {
        let safe = printable(cell)
        guard width(safe) > widthMax else { return safe }
        var kept = ""
        var used = 1
        for character in safe {
            used += width(character)
            guard used <= widthMax else { break }
            kept.append(character)
        }
        return kept + "…"
    }

    private static func pad(_ cell: String, to width: Int, _ alignment: Alignment) -> String {
        let spaces = String(repeating: " ", count: max(0, width - Self.width(cell)))
        return alignment == .left ? cell + spaces : spaces + cell
    }

    private static func width(_ text: String) -> Int {
        text.reduce(0) { $0 + width($1) }
    }

    /// Terminal cells of a character: two for East Asian wide ones and emoji.
    private static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if scalar.properties.isEmojiPresentation { return 2 }
        let wide: [ClosedRange<UInt32>] = [
            0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
        ]
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
}
