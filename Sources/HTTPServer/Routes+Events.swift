import Access
import Engine
import EventLog
import Events
import HTTPTypes
import HummingbirdCore
import LookUps
import NIOCore

// What feeds the log.
extension Routes {
    private static let linesType = "application/x-ndjson"
    private static let eventsMax = 10_000

    static let events: [Route] = [
        Route(
            .post, "/v1/events", "events",
            "Appends events to the log: one, an array of them, or one a line (application/x-ndjson).",
            body: Route.Body(
                mediaTypes: ["application/json", linesType],
                schema: .object([
                    (
                        "anyOf",
                        .array([
                            Schemas.reference("Event"),
                            Schemas.array(of: Schemas.reference("Event"), max: eventsMax, min: 1),
                        ])
                    )
                ])),
            answer: Schemas.answer(
                "Appended", "The events are durable: each has its token, or says why it was refused."),
            access: .whoever(.feed), .any(append))
    ]

    @Sendable private static func append(_ call: Call) async throws -> Response {
        let service = try call.environment.service()
        let isLines = call.head.headerFields[.contentType]?.lowercased().hasPrefix(linesType) ?? false
        let bytes = Array(call.body.readableBytesView)
        let texts = isLines ? EventTexts(lines: bytes) : try EventTexts(json: bytes)
        guard (1...eventsMax).contains(texts.count) else {
            throw Problem.invalid("\(texts.count) events; 1 to \(eventsMax) are allowed in one request")
        }
        try call.caller.admit(events: texts.count)
        let results = await withCheckedContinuation { continuation in
            service.append(texts) { continuation.resume(returning: $0) }
        }
        // A client that sends one event, or whose events all have the same fault, sees it in the status.
        if case .failure(let first)? = results.first,
            results.allSatisfy({
                if case .failure(let error) = $0 { error.code == first.code } else { false }
            })
        {
            throw results.count == 1
                ? first
                : LookupError(first.code, "none of \(results.count) events was taken: \(first.message)")
        }
        return .json(json(results))
    }

    private static func json(_ results: [Result<Token, LookupError>]) -> JSON {
        var accepted = 0
        let list = results.map { result -> JSON in
            switch result {
            case .success(let token):
                accepted += 1
                return .object([("token", .string(token.description))])
            case .failure(let error):
                return .object([("code", .string(error.code.rawValue)), ("detail", .string(error.message))])
            }
        }
        return .object([
            ("accepted", .int(accepted)), ("refused", .int(results.count - accepted)),
            ("results", .array(list)),
        ])
    }
}

extension EventTexts {
    /// One a line; empty lines are passed over.
    init(lines bytes: [UInt8]) {
        self.init()
        for line in bytes.split(separator: UInt8(ascii: "\n")) where !line.allSatisfy(\.isBlank) {
            append(line)
        }
    }

    /// An object, or an array of them. What stands between brackets is the decoder's to judge; here it is only parted.
    init(json bytes: [UInt8]) throws(Problem) {
        self.init()
        let whole = bytes.trimming(\.isBlank)
        guard whole.first == UInt8(ascii: "[") else {
            guard !whole.isEmpty else { throw .invalid("the body is empty; an event is a JSON object") }
            append(whole)
            return
        }
        guard whole.count > 1, whole.last == UInt8(ascii: "]") else {
            throw .invalid("the array that the body begins is not closed")
        }
        for element in Self.elements(whole.dropFirst().dropLast()) { append(element) }
    }

    /// The parts between the commas that stand in no string, object or array.
    private static func elements(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        var (start, depth, isInString, isEscaped) = (bytes.startIndex, 0, false, false)
        for (place, byte) in zip(bytes.indices, bytes) {
            if isInString {
                isInString = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ",") where depth == 0:
                elements.append(bytes[start..<place])
                start = place + 1
            default: break
            }
        }
        let last = bytes[start...]
        if !elements.isEmpty || !last.allSatisfy(\.isBlank) { elements.append(last) }
        return elements.map { Array($0).trimming(\.isBlank) }
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { [0x20, 0x09, 0x0A, 0x0D].contains(self) }
}

extension [UInt8] {
    fileprivate func trimming(_ isBlank: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let front = drop(while: isBlank)
        guard let end = front.lastIndex(where: { !isBlank($0) }) else { return front }
        return front[...end]
    }
}
