/// Bytes as people write them: `4GB`, `512 MiB`, `1500000000`.
enum ByteCount {
    /// In words, for messages.
    static let allowed = "bytes, also as 500MB, 4GB or 512MiB; 0 for no limit"

    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("KB", 1_000),
        ("B", 1),
    ]

    /// `nil` for what is no number of bytes from 0 on.
    static func parse(_ text: String) -> Int? {
        let text = text.filter { $0 != " " }
        let unit = units.first { text.hasSuffix($0.name) }
        let number = text.dropLast(unit?.name.count ?? 0)
        guard let value = Double(number), value >= 0, value.isFinite else { return nil }
        let bytes = value * Double(unit?.bytes ?? 1)
        return bytes < 1e18 ? Int(bytes) : nil
    }

    /// In the largest unit that divides it.
    static func text(_ bytes: Int) -> String {
        guard bytes > 0, let unit = units.first(where: { bytes.isMultiple(of: $0.bytes) }), unit.bytes > 1
        else {
            return String(bytes)
        }
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}
