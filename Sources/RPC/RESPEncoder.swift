import NIOCore

/// The version of RESP a connection speaks; 2 until `HELLO 3`.
enum RESPVersion: Int64, Sendable {
    case two = 2
    case three = 3
}

/// Writes values as one version of RESP has them.
///
/// RESP 2 has no maps, sets, doubles, verbatim strings, booleans and no null of its own: they become flat arrays, bulk
/// strings, 0 or 1, `$-1`.
struct RESPEncoder {
    let version: RESPVersion

    func encode(_ value: RESPValue, into output: inout ByteBuffer) {
        switch value {
        case .simple(let text): writeLine("+", text, into: &output)
        case .error(let text): writeLine("-", text, into: &output)
        case .integer(let number): writeLine(":", String(number), into: &output)
        case .bulk(let bytes): writeBulk(bytes, into: &output)
        case .null: output.writeString(version == .three ? "_\r\n" : "$-1\r\n")
        case .array(let values):
            encodeArrayHeader(values.count, into: &output)
            for value in values { encode(value, into: &output) }
        case .set(let values):
            writeHeader(version == .three ? "~" : "*", values.count, into: &output)
            for value in values { encode(value, into: &output) }
        case .verbatim(let text):
            guard version == .three else { return writeBulk(text.utf8, into: &output) }
            writeHeader("=", text.utf8.count + 4, into: &output)
            output.writeStaticString("txt:")
            output.writeString(text)
            output.writeStaticString("\r\n")
        case .map(let pairs):
            writeHeader(
                version == .three ? "%" : "*", version == .three ? pairs.count : 2 * pairs.count,
                into: &output)
            for (key, value) in pairs {
                encode(key, into: &output)
                encode(value, into: &output)
            }
        case .double(let number):
            if version == .three {
                writeLine(",", number.description, into: &output)
            } else {
                writeBulk(number.description.utf8, into: &output)
            }
        case .boolean(let flag):
            output.writeString(
                version == .three ? (flag ? "#t\r\n" : "#f\r\n") : (flag ? ":1\r\n" : ":0\r\n"))
        }
    }

    /// What stands before the elements of an array, which may follow one by one.
    func encodeArrayHeader(_ count: Int, into output: inout ByteBuffer) {
        writeHeader("*", count, into: &output)
    }

    private func writeHeader(_ sign: StaticString, _ count: Int, into output: inout ByteBuffer) {
        output.writeStaticString(sign)
        output.writeString(String(count))
        output.writeStaticString("\r\n")
    }

    private func writeBulk(_ bytes: some Collection<UInt8>, into output: inout ByteBuffer) {
        writeHeader("$", bytes.count, into: &output)
        output.writeBytes(bytes)
        output.writeStaticString("\r\n")
    }

    /// A line holds no line break: one in the text, say from a client's own argument in an error, would let it forge
    /// an answer.
    private func writeLine(_ sign: StaticString, _ text: String, into output: inout ByteBuffer) {
        output.writeStaticString(sign)
        if text.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A }) {
            output.writeBytes(text.utf8.map { $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 })
        } else {
            output.writeString(text)
        }
        output.writeStaticString("\r\n")
    }
}
