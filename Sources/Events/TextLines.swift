/// The lines of a text file, gzip or not: for files beside the events, say a list of test pairs.
public enum TextLines {
    /// - Parameter lineBytesMax: a longer line is refused, not cut.
    /// - Throws: `EventFileError` where the file cannot be read.
    public static func read(_ path: String, lineBytesMax: Int = 1 << 20) throws(EventFileError) -> [String] {
        let reader = LineReader(
            try TextInput(path: path, lineBytesMax: lineBytesMax, isCancelled: { false }))
        var lines: [String] = []
        while let line = try reader.next() {
            switch line {
            case .bytes(let bytes): lines.append(String(decoding: bytes, as: UTF8.self))
            case .tooLong(let bytes):
                throw EventFileError(
                    path: path, "line \(reader.number) has \(bytes) bytes; \(lineBytesMax) are allowed")
            }
        }
        return lines
    }
}
