/// One JSON object a line; empty lines are passed over.
final class JSONLReader: EventReader {
    private let lines: LineReader
    private let decoder: EventDecoder

    init(_ lines: LineReader, options: EventOptions) {
        self.lines = lines
        decoder = EventDecoder(options: options)
    }

    func next() throws(EventFileError) -> EventFile.Entry? {
        while let line = try lines.next() {
            switch line {
            case .tooLong(let bytes):
                return lines.bad(.tooLong(bytes: bytes, bytesMax: lines.lineBytesMax))
            case .bytes(let bytes)
            where bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }):
                continue
            case .bytes(let bytes):
                do throws(EventError) {
                    return .event(try decoder.decode(bytes))
                } catch {
                    return lines.bad(error)
                }
            }
        }
        return nil
    }
}
