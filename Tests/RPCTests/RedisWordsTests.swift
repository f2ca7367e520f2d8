import Engine
import Locking
import Testing

@testable import RPC

/// Answers as Redis 7.0.15 gives them, found by asking it. Clients compare them by the letter.
@Suite("Redis's own words")
struct RedisWordsTests {
    static let refused: [(String, String)] = [
        ("foo a b", "ERR unknown command 'foo', with args beginning with: 'a' 'b' "),
        ("foo", "ERR unknown command 'foo', with args beginning with: "),
        ("GET k", "ERR unknown command 'GET', with args beginning with: 'k' "),
        ("SET k v", "ERR unknown command 'SET', with args beginning with: 'k' 'v' "),
        ("SENTINEL masters", "ERR unknown command 'SENTINEL', with args beginning with: 'masters' "),
        ("CLIENT", "ERR wrong number of arguments for 'client' command"),
        ("CLIENT NOPE", "ERR unknown subcommand 'NOPE'. Try CLIENT HELP."),
        (
            "CLIENT MAINT_NOTIFICATIONS ON",
            "ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP."
        ),
        ("CLIENT SETNAME", "ERR wrong number of arguments for 'client|setname' command"),
        ("CLIENT GETNAME x", "ERR wrong number of arguments for 'client|getname' command"),
        ("CLIENT NO-EVICT maybe", "ERR syntax error"),
        ("CLIENT REPLY maybe", "ERR syntax error"),
        ("CLIENT TRACKING", "ERR wrong number of arguments for 'client|tracking' command"),
        ("CLIENT TRACKING maybe", "ERR syntax error"),
        ("CLIENT TRACKING ON PREFIX a", "ERR PREFIX option requires BCAST mode to be enabled"),
        ("CLIENT TRACKING ON OPTIN OPTOUT", "ERR You can't specify both OPTIN mode and OPTOUT mode"),
        (
            "CLIENT TRACKING ON REDIRECT 99",
            "ERR The client ID you want redirect to does not exist"
        ),
        (
            "CLIENT CACHING YES",
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        ),
        ("CLIENT KILL 1.2.3.4:5", "ERR No such client"),
        ("CLIENT KILL ID x", "ERR client-id should be greater than 0"),
        ("CLIENT KILL TYPE foo", "ERR Unknown client type 'foo'"),
        ("CLIENT KILL USER nobody", "ERR No such user 'nobody'"),
        ("CLIENT KILL FOO 1", "ERR syntax error"),
        ("CLIENT LIST ID x", "ERR Invalid client ID"),
        ("CLIENT LIST TYPE foo", "ERR Unknown client type 'foo'"),
        ("COMMAND NOPE", "ERR unknown subcommand 'NOPE'. Try COMMAND HELP."),
        ("COMMAND COUNT x", "ERR wrong number of arguments for 'command|count' command"),
        ("COMMAND LIST foo", "ERR syntax error"),
        ("COMMAND GETKEYS nope x", "ERR Invalid command specified"),
        ("COMMAND GETKEYS rate u1 i1 5", "ERR The command has no key arguments"),
        ("CONFIG", "ERR wrong number of arguments for 'config' command"),
        ("CONFIG GET", "ERR wrong number of arguments for 'config|get' command"),
        ("CONFIG SET foo", "ERR wrong number of arguments for 'config|set' command"),
        ("CONFIG SET foo bar", "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"),
        (
            "CONFIG SET save x",
            "ERR CONFIG SET failed (possibly related to argument 'save') - can't set immutable config"
        ),
        ("CONFIG REWRITE", "ERR The server is running without a config file"),
        ("CLUSTER", "ERR wrong number of arguments for 'cluster' command"),
        ("CLUSTER INFO", "ERR This instance has cluster support disabled"),
        ("CLUSTER SLOTS", "ERR This instance has cluster support disabled"),
        ("CLUSTER SHARDS", "ERR This instance has cluster support disabled"),
        ("CLUSTER MYID", "ERR This instance has cluster support disabled"),
        ("CLUSTER SLOTS x", "ERR wrong number of arguments for 'cluster|slots' command"),
        ("CLUSTER NOPE", "ERR unknown subcommand 'NOPE'. Try CLUSTER HELP."),
        ("READONLY", "ERR This instance has cluster support disabled"),
        ("ASKING", "ERR This instance has cluster support disabled"),
        ("ROLE x", "ERR wrong number of arguments for 'role' command"),
        ("MODULE NOPE", "ERR unknown subcommand 'NOPE'. Try MODULE HELP."),
        ("MEMORY USAGE", "ERR wrong number of arguments for 'memory|usage' command"),
        ("MEMORY USAGE x SAMPLES", "ERR syntax error"),
        ("LATENCY NOPE", "ERR unknown subcommand 'NOPE'. Try LATENCY HELP."),
        ("ACL CAT nope", "ERR Unknown category 'nope'"),
        ("ACL WHOAMI x", "ERR wrong number of arguments for 'acl|whoami' command"),
        ("WAIT x 0", "ERR value is not an integer or out of range"),
        ("WAIT 0 -1", "ERR timeout is negative"),
        ("SELECT x", "ERR value is not an integer or out of range"),
        ("SELECT 99", "ERR DB index is out of range"),
        ("PING a b", "ERR wrong number of arguments for 'ping' command"),
        ("ECHO", "ERR wrong number of arguments for 'echo' command"),
        ("HELLO 4", "NOPROTO unsupported protocol version"),
        ("HELLO x", "ERR Protocol version is not an integer or out of range"),
        ("HELLO 3 FOO", "ERR Syntax error in HELLO option 'FOO'"),
        ("HELLO 3 AUTH", "ERR Syntax error in HELLO option 'AUTH'"),
        ("HELLO 3 AUTH a b", "WRONGPASS invalid username-password pair or user is disabled."),
        ("AUTH a b c", "ERR syntax error"),
        ("AUTH foo x", "WRONGPASS invalid username-password pair or user is disabled."),
        ("WATCH", "ERR wrong number of arguments for 'watch' command"),
        ("MULTI x", "ERR wrong number of arguments for 'multi' command"),
    ]

    @Test("what Redis refuses is refused in its words, to the letter")
    func refusals() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            for (line, expected) in Self.refused { #expect(try ask(client, line) == .error(expected)) }
        }
    }

    static let answered: [(String, RESPValue)] = [
        ("CLIENT NO-TOUCH ON", .simple("OK")), ("CLIENT NO-EVICT OFF", .simple("OK")),
        ("CLIENT SETINFO LIB-VER 1.2", .simple("OK")), ("CLIENT UNPAUSE", .simple("OK")),
        ("CLIENT UNBLOCK 1", .integer(0)), ("CLIENT GETREDIR", .integer(-1)),
        ("CLIENT TRACKING ON OPTIN", .simple("OK")), ("CLIENT CACHING YES", .simple("OK")),
        ("CLIENT GETREDIR", .integer(0)), ("CLIENT TRACKING OFF", .simple("OK")),
        ("CLIENT KILL ID 999", .integer(0)), ("CLIENT KILL TYPE pubsub", .integer(0)),
        ("CLIENT LIST ID 99", .text("")), ("COMMAND INFO get", .array([.null])),
        ("COMMAND LIST FILTERBY PATTERN pi*", list("ping")), ("CONFIG GET nothing", .map([])),
        (
            "CONFIG GET sav* appendonly",
            .map([(.text("appendonly"), .text("no")), (.text("save"), .text(""))])
        ),
        ("CONFIG RESETSTAT", .simple("OK")),
        ("ROLE", .array([.text("master"), .integer(0), .array([])])), ("MODULE LIST", .array([])),
        ("MEMORY USAGE k", .null), ("LATENCY LATEST", .array([])), ("LATENCY RESET", .integer(0)),
        ("LATENCY HISTOGRAM", .map([])), ("ACL WHOAMI", .text("default")),
        ("ACL LIST", list("user default on nopass ~* &* +@all")), ("SLOWLOG GET 5", .array([])),
        ("SLOWLOG LEN", .integer(0)), ("WAIT 0 0", .integer(0)), ("DBSIZE", .integer(0)),
        ("INFO nosuch", .text("")), ("AUTH default x", .simple("OK")),
        ("DEBUG", .error("ERR wrong number of arguments for 'debug' command")),
    ]

    @Test("what Redis answers of keys, replicas and modules, it answers here with none of them")
    func answers() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            for (line, expected) in Self.answered { #expect(try ask(client, line) == expected, "\(line)") }
        }
    }

    @Test("sets and verbatim texts are Redis's types in RESP 3, arrays and bulk strings in RESP 2")
    func types() async throws {
        try await withServer { path, _ in
            let raw = try RawConnection(path)
            raw.ask("INFO nosuch\r\n", expecting: "$0\r\n\r\n")
            raw.send("CLIENT TRACKINGINFO\r\n")
            let two =
                "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n"
            #expect(raw.read(two.utf8.count) == two)
            raw.send("HELLO 3\r\n")
            #expect(raw.read(1) == "%")
            let three = "=4\r\ntxt:\r\n%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n"
            raw.send("INFO nosuch\r\nCLIENT TRACKINGINFO\r\nQUIT\r\n")
            #expect(raw.readToEnd().contains(three))
        }
    }

    @Test("INFO has the sections that clients read, and no value that they would split")
    func info() async throws {
        try await withServer { path, service in
            service.change {
                $0.statusText = "no route, tried=3: host=kafka1:9092,kafka2:9092\nagain"
            }
            let client = try RPCClient(socketPath: path)
            for (section, line) in [
                ("replication", "role:master"), ("server", "redis_mode:standalone"),
                ("clients", "connected_clients:1"), ("cluster", "cluster_enabled:0"),
                ("SERVER", "tcp_port:0"), ("everything", "events.applied:7"), ("default", "role:master"),
            ] {
                let text = try #require(try client.call(["INFO", section]).string)
                #expect(text.contains("\(line)\r\n"), "\(section)")
            }
            let text = try #require(try ask(client, "INFO all").string)
            let lines = text.split(separator: "\r\n").filter { !$0.hasPrefix("#") }
            for line in lines {
                #expect(!line.contains(",") && !line.contains("="), "\(line)")
                #expect(line.contains(":"))
            }
            #expect(text.contains("log.name:no route; tried:3: host:kafka1:9092;kafka2:9092 again\r\n"))
        }
    }

    @Test("CLIENT LIST holds each connection, CLIENT KILL closes the ones named, itself last")
    func kill() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let other = try RPCClient(socketPath: path)
            guard case .integer(let id) = try ask(other, "CLIENT ID") else { return }
            let lines = try #require(try ask(client, "CLIENT LIST").string).split(separator: "\n")
            #expect(lines.count == 2)
            for line in lines {
                #expect(line.split(separator: " ").allSatisfy { $0.split(separator: "=").count <= 2 })
            }
            #expect(try ask(client, "CLIENT KILL ID \(id)") == .integer(1))
            // Closed by an event loop of its own, a moment after the answer.
            #expect(eventually { (try? ask(other, "PING")) == nil })
            #expect(try ask(client, "PING") == .simple("PONG"))
            #expect(try ask(client, "CLIENT KILL TYPE normal SKIPME no") == .integer(1))
            #expect(throws: RPCClientError.self) { try ask(client, "PING") }
        }
    }

    @Test(
        "patterns match as Redis's do",
        arguments: [
            ("*", "save", true), ("s?ve", "save", true), ("s?ve", "sve", false), ("max*", "maxclients", true),
            ("*-limit", "client-output-buffer-limit", true), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false),
            ("a\\*", "a*", true), ("a\\*", "ab", false), ("", "", true), ("", "a", false),
            ("**a", "ba", true),
            ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false),
        ])
    func patterns(pattern: String, text: String, matches: Bool) {
        #expect(Glob(pattern).matches(text) == matches)
    }
}
