import EventLog
import Events

/// A dead letter as a record of a topic, cut where it is too long.
struct DeadLetterForm {
    /// What key, headers and the record's own frame may take of a message, in bytes.
    private static let frameBytes = 8_192
    private static let reasonBytesMax = 4_096

    let key: [UInt8]
    let payload: [UInt8]
    let headers: [(name: String, value: String)]
    let isCut: Bool

    /// The key is the token, so that a replay's second copy can be told, and a compacted topic drops it.
    init(_ letter: DeadLetter, payloadMax: Int) {
        let token = letter.token.description
        key = Array(token.utf8)
        payload = Array(letter.payload.prefix(max(0, payloadMax)))
        isCut = payload.count < letter.payload.count
        var headers = [
            ("reason", Self.cut(letter.reason)), ("token", token), ("time", String(letter.time)),
            ("size", String(letter.payload.count)),
        ]
        if isCut { headers.append(("cut-to", String(payload.count))) }
        self.headers = headers
    }

    /// What the producer can send of a payload, by its own limit.
    static func payloadMax(_ options: KafkaOptions) -> Int {
        max(0, options.recordBytesMax - frameBytes)
    }

    private static func cut(_ reason: String) -> String {
        guard reason.utf8.count > reasonBytesMax else { return reason }
        return String(decoding: reason.utf8.prefix(reasonBytesMax), as: UTF8.self)
    }
}
