internal import Access
internal import Settings

/// A configuration is taken or refused with reasons; what is taken can be written down and read again.
struct ConfigurationTarget: FuzzTarget {
    private static let seeds: [[UInt8]] = [
        """
        state: {folder: /tmp/x}
        source:
          kind: kafka
          kafka: {brokers: "a:9092,b:9092", topic: t, properties: {sasl.username: me}}
        events:
          signals: {click: 1, purchase: 5.5}
          rating-min: 0.5
        """,
        """
        models:
          - {name: stars, learner: sgd, rate: 0.02}
          - {name: likes, learner: bpr, positive: "rating >= 4"}
        default-model: stars
        """,
        """
        access: {default-role: read, uids: {root: admin, 1000: feed}, commands-per-second: 10}
        rpc: {connections-max: 10, password: "x"}
        http: {listen: "[::1]:80"}
        memory: {limit: 4GB}
        histories: {signal-half-life: 30d}
        recommend: {seen: after 30d}
        """,
    ].map { Array($0.utf8) }
    private static let mutation = ByteMutation([
        ":", ": ", "{", "}", "[", "]", "- ", "\n", "\n  ", "\n\t", "&a ", "*a", "<<: *a", "!!binary ",
        "!!python/object ", "|",
        ">", "'", "\"", "#", "---\n", "...\n", "? ", "null", "~", "true", "1e400", "-1",
        "99999999999999999999", "0x10", "4GB",
        "\u{0}", "\u{FEFF}", "é", "models:", "engine:", "factors: 63", "%YAML 1.2\n", "'",
        String(repeating: "[", count: 30),
    ])
    private static let keys = [
        "engine.factors", "models", "models.likes.learner", "events.signals", "events.signals.click",
        "rpc.password",
        "http.listen", "memory.limit", "access.uids", "access.uids.root", "source.kafka.start",
        "histories.signal-half-life",
        "recommend.seen", "default-model", "nonsense", "", "engine", "models..x",
        "popularity.half-life-events",
    ]
    private static let values = [
        "1", "64", "-1", "", "[", "{a: read}", "{click: 1}", "als", "likes", "nan", "1e400", "4GB",
        "after 3d", "30d",
        "9999999999999999999999", "2009-12-14T02:52:24Z", "[{name: x, learner: sgd}]", "[{learner: sgd}]",
        "*a", "\u{0}", "= =",
        "earliest", "[::1]:80", "a:b",
    ]

    private let file: ScratchFile

    init() throws { file = try ScratchFile("freshet.yaml") }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        var bytes: [UInt8] = []
        var flags: [String] = []
        for _ in 0..<numbers.below(3) {
            flags.append(numbers.pick(Self.keys) + "=" + numbers.pick(Self.values))
        }
        let hasFile = !numbers.happens(oneIn: 4)
        if hasFile {
            bytes = numbers.pick(Self.seeds)
            Self.mutation.change(&bytes, times: numbers.below(5), &numbers)
            // Foundation leaks a page for each empty file it reads (Swift 6.0, Linux), which hid whether we leak.
            if bytes.isEmpty { bytes = [UInt8(ascii: "\n")] }
            try file.write(bytes)
        }
        let found: Configuration
        do throws(ConfigurationError) {
            found = try Configuration.load(
                file: hasFile ? file.path : nil, environment: [:], settings: flags)
        } catch {
            guard !error.problems.isEmpty, !error.description.isEmpty else {
                throw FuzzFinding(what: "refused without a reason, with \(flags)", input: bytes)
            }
            return (1, 0)
        }
        guard found.reloading(found).changed.isEmpty else {
            throw FuzzFinding(what: "not the same as itself, with \(flags)", input: bytes)
        }
        // What it means to each room can be worked out.
        _ = (found.engineOptions, found.logSource, found.socketPath)
        return (1, 1)
    }
}

/// A file of users is taken or refused; a name that is taken has a role and hashes.
struct UserFileTarget: FuzzTarget {
    private static let hash = "$y$j9T$3acaY7hbqC7eOjialEMf30$9YpyJsuQB36FUuTmhoL3UsA7ENHf3W20PsvmePgoub9"
    private static let seed = Array(
        "# users\nwatch:read:\(hash)\nshop:feed:\(hash)\nshop:feed:\(hash)\n".utf8)
    private static let mutation = ByteMutation([
        ":", "\n", "$", "$y$", "$6$", "admin", "read", "#", " ", "\u{0}", "é", ":admin:", "\r", "*",
        "$y$j9T$",
        String(repeating: "a", count: 65),
    ])

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        var bytes = Self.seed
        Self.mutation.change(&bytes, times: 1 + numbers.below(4), &numbers)
        do throws(UserFile.Failure) {
            let users = try UserFile.parse(String(decoding: bytes, as: UTF8.self))
            let isRight = users.allSatisfy { name, user in
                UserFile.isName(name) && !user.hashes.isEmpty && user.hashes.allSatisfy(PasswordHash.isHash)
            }
            guard isRight else { throw UserFile.Failure.none }
            return (1, 1)
        } catch {
            guard error.description.contains("line ") else {
                throw FuzzFinding(what: "refused without naming a line: \(error)", input: bytes)
            }
            return (1, 0)
        }
    }
}

extension UserFile.Failure {
    /// No reason that the parser gives.
    fileprivate static var none: UserFile.Failure { UserFile.Failure(description: "a user without a hash") }
}
