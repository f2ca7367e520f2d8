internal import Access
internal import Commands
internal import Events
internal import NIOCore
internal import RESP

/// Whatever is asked, there is one answer, in words that clients know, which can be written in both versions of RESP.
struct CommandTarget: FuzzTarget {
    private static let texts: [[UInt8]] =
        [
            "u1", "i1", "i9", "", "0", "5", "-1", "a,b", "stars", "likes", "0:5", "0:", "-1:9",
            "0:9223372036854775807",
            "popular", "none", "cosine", "default", "ON", "OFF", "YES", "ID", "TYPE", "normal", "*", "[a-",
            "h?llo[^", "**",
            "2009-12-14T02:52:24Z", "1260759144", "1e400", "nan", "-0", "exclude", "after", "3d", "get",
            "client|list", "|",
            #"{"user":"u","item":"i","rating":1}"#, "{", "é", "\u{0}", "with space", "WITHSCORES", "AFTER",
            "TIMEOUT", "COUNT",
            String(repeating: "x", count: 256), String(repeating: "x", count: 257),
            String(repeating: "[a-z]*", count: 40),
        ].map { Array($0.utf8) } + [[0xFF, 0xFE], [0xC3]]
    private static let integers = [
        "0", "1", "2", "10", "-1", "10000", "10001", "600001", "9223372036854775807", "9223372036854775808",
        "", "1e3", "+5",
        " 5", "0x10", "3",
    ].map { Array($0.utf8) }
    private static let numbers = ["4.5", "0", "-0", "nan", "inf", "1e400", "1e-400", "", "4,5", "5"].map {
        Array($0.utf8)
    }
    /// First words of errors; see README.
    private static let codes: Set<String> = [
        "ERR", "NOAUTH", "NOPERM", "WRONGPASS", "NOPROTO", "NOUSER", "NOITEM", "NOMODEL", "STALE",
        "OVERLOADED",
        "UNAVAILABLE", "EXECABORT",
    ]
    /// Their answers are long; asked less often, they are asked often enough.
    private static let longWinded: Set<String> = ["COMMAND", "INFO", "ACL", "CLIENT", "CONFIG"]

    private let (few, all): ([CommandShape], [CommandShape])
    private let environment: CommandEnvironment
    private var sessions: [Session]
    private let mutation = ByteMutation(["\u{0}", "*", "-", "9", "é", " ", "=", ","])

    init() {
        let shapes = CommandTable.standard.shapes
        (few, all) = (shapes.filter { !Self.longWinded.contains($0.name[0]) }, shapes)
        let users = [
            "watch": NamedUser(role: .read, hashes: []), "shop": NamedUser(role: .feed, hashes: []),
        ]
        let access = AccessControl(AccessRules(users: users))
        environment = CommandEnvironment(
            service: ConstantService(), settings: FuzzSettings(access: access), clients: NoClients())
        // One who may do all, and one that nobody knows.
        sessions = [
            Session(id: 1, peer: .unknown, access), Session(id: 2, peer: .address("10.0.0.1"), access),
        ]
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        let request = request(&numbers)
        let number = numbers.happens(oneIn: 16) ? 1 : 0
        let outcome = environment.table.start(request, &sessions[number], environment)
        // Each transaction is short: what is queued is memory.
        if let transaction = sessions[number].transaction, transaction.requests.count > 8 {
            sessions[number].transaction = nil
        }
        let answer = answer(outcome, &sessions[number])
        var isTaken = true
        if case .error(let message) = answer {
            isTaken = false
            guard let code = message.split(separator: " ").first, Self.codes.contains(String(code)) else {
                throw FuzzFinding(what: "answered in unknown words: \(message)", input: Self.bytes(request))
            }
        }
        for version in [RESPVersion.two, .three] {
            var output = ByteBuffer()
            RESPEncoder(version: version).encode(answer, into: &output)
            guard output.readableBytesView.suffix(2).elementsEqual([0x0D, 0x0A]) else {
                throw FuzzFinding(what: "an answer without an end", input: Self.bytes(request))
            }
        }
        return (1, isTaken ? 1 : 0)
    }

    private func answer(_ outcome: Outcome, _ session: inout Session) -> RESPValue {
        switch outcome {
        case .reply(let value), .close(let value): return value
        case .execute(let transaction): return .integer(Int64(transaction.requests.count))
        case .lookup(let lookup): return lookup.evaluate()
        // It is no one of several.
        case .forward, .gather: return .null
        case .authenticate(let authentication): return authentication.finish(.wrong, &session)
        case .later(let begin):
            // The service answers before it returns.
            let box = AnswerBox()
            begin { box.value = $0 }
            return box.value
        }
    }

    // MARK: Calls

    private func request(_ numbers: inout FuzzNumbers) -> RESPRequest {
        let shape = numbers.pick(numbers.happens(oneIn: 24) ? all : few)
        var words = shape.name.map { Array($0.utf8) }
        for part in shape.parts { append(part, &words, &numbers, depth: 0) }
        switch numbers.below(8) {
        case 0: words.insert(numbers.pick(Self.texts), at: 1 + numbers.below(words.count))
        case 1: if words.count > 1 { words.remove(at: 1 + numbers.below(words.count - 1)) }
        case 2:
            let place = numbers.below(words.count)
            mutation.change(&words[place], times: 1, &numbers)
        case 3: words.swapAt(numbers.below(words.count), numbers.below(words.count))
        default: break
        }
        return RESPRequest(bytes: words)
    }

    private func append(
        _ part: CommandShape.Part, _ words: inout [[UInt8]], _ numbers: inout FuzzNumbers, depth: Int
    ) {
        switch part {
        case .word(let word): words.append(Array(word.utf8))
        case .text: words.append(numbers.pick(Self.texts))
        case .integer: words.append(numbers.pick(numbers.happens(oneIn: 8) ? Self.texts : Self.integers))
        case .number: words.append(numbers.pick(numbers.happens(oneIn: 8) ? Self.texts : Self.numbers))
        case .choice(let parts): append(numbers.pick(parts), &words, &numbers, depth: depth + 1)
        case .sequence(let parts): for part in parts { append(part, &words, &numbers, depth: depth + 1) }
        case .optional(let part):
            if numbers.happens(oneIn: 3) { append(part, &words, &numbers, depth: depth + 1) }
        case .repeated(let part):
            for _ in 0...numbers.below(3) { append(part, &words, &numbers, depth: depth + 1) }
        }
    }

    private static func bytes(_ request: RESPRequest) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<request.count { bytes += Array(request[index]) + [0x20] }
        return bytes
    }
}

/// Confined to the call that begins the work: the service here answers before it returns.
private final class AnswerBox: @unchecked Sendable {
    var value = RESPValue.error("ERR no answer")
}

private struct FuzzSettings: ServerSettings {
    var access: AccessControl
    var socketPath: String { "/run/fuzz.sock" }
    var events: EventOptions { EventOptions() }
    var version: String { "0" }
    var limits: RequestLimits { RequestLimits() }
    var idleTimeout: Duration { .zero }
    var clientBytesMax: Int { 1 << 20 }
}

private struct NoClients: ConnectedClients {
    var all: [(session: Session, heldBytes: Int)] { [] }
    var counts: ConnectionCounts { ConnectionCounts(open: 0, max: 1, accepted: 0, rejected: 0) }
    var heldBytes: Int { 0 }
    var heldBytesMax: Int { 1 }
    func update(_ session: Session) {}
    func close(where isWanted: (Session) -> Bool) -> [UInt64] { [] }
}
