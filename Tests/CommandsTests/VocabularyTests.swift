import Engine
import Events
import Locking
import LookUps
import RESP
import RPCSupport
import Testing

@testable import Commands

@Suite("Several users, sessions, similar users, and what answers stand on")
struct VocabularyTests {
    @Test(
        "usage lines and arities read as the documentation has them",
        arguments: [
            (
                "MRECOMMEND",
                "MRECOMMEND user [user...] [COUNT n] [MODEL m] [BY model|content|match] [WITHSCORES] [WITHMETA] [TAG t]... "
                    + "[EXCLUDE item]... [INCLUDESEEN] [SEEN rule] [AFTER token [TIMEOUT ms]] "
                    + "[FALLBACK popular|none]", -2
            ),
            (
                "RECOMMEND.ITEMS",
                "RECOMMEND.ITEMS numitems item [item...] [WEIGHTS weight [weight...]] [COUNT n] [MODEL m] "
                    + "[WITHSCORES] [WITHMETA] [TAG t]... [EXCLUDE item]... [INCLUDESEEN] "
                    + "[AFTER token [TIMEOUT ms]]", -3
            ),
            (
                "SIMILAR.USERS",
                "SIMILAR.USERS user [COUNT n] [MODEL m] [METRIC cosine|dot|l2] [WITHSCORES] "
                    + "[AFTER token [TIMEOUT ms]]", -2
            ),
            ("HIDE", "HIDE user item [TS ms] [ID id]", -3),
            ("UNHIDE", "UNHIDE user item [TS ms] [ID id]", -3),
            ("PROMOTE", "PROMOTE model [TS ms] [ID id]", -2),
        ])
    func usage(name: String, usage: String, arity: Int) {
        #expect(CommandTable.standard[name]?.usage == usage)
        #expect(CommandTable.standard[name]?.arity == arity)
    }

    @Test("MRECOMMEND answers a list for each user; an error stands in its user's place")
    func many() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            let answer = try ask(client, "MRECOMMEND u1 stranger u2 COUNT 2 EXCLUDE i1 FALLBACK none")
            #expect(
                answer
                    == .array([list("i2"), .error("NOUSER user 'stranger' is not known"), list("i2")]))
            #expect(service.state.withLock { $0.recommended.map(\.user.string) } == ["u1", "stranger", "u2"])
            // The first is a user whatever it is called.
            #expect(try ask(client, "MRECOMMEND COUNT COUNT 1") == .array([list("i1")]))
            #expect(
                try ask(client, "MRECOMMEND u1 COUNT 1 WITHSCORES")
                    == .array([.array([.text("i1"), .double(0.9)])]))
            _ = try ask(client, "HELLO 2")
            #expect(
                try ask(client, "MRECOMMEND stranger u1 COUNT 1 FALLBACK none")
                    == .array([.error("NOUSER user 'stranger' is not known"), list("i1")]))
            let crowd = ["MRECOMMEND"] + (0..<40).map { "u\($0)" } + ["COUNT", "1"]
            #expect(try client.call(crowd) == .array(Array(repeating: list("i1"), count: 40)))
        }
    }

    @Test("RECOMMEND.ITEMS counts its items, so that an id may be a number or an option's word")
    func session() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "RECOMMEND.ITEMS 1 i1 COUNT 2") == list("i1", "i2"))
            _ = try ask(
                client,
                "RECOMMEND.ITEMS 4 i1 5 COUNT WEIGHTS count 7 weights 1 2.5 0 4 TAG a EXCLUDE 9 INCLUDESEEN MODEL m"
            )
            let query = try #require(service.state.withLock { $0.sessions.last })
            #expect(query.items.map(\.string) == ["i1", "5", "COUNT", "WEIGHTS"])
            #expect(query.weights == [1, 2.5, 0, 4])
            #expect(query.count == 7 && query.model == "m" && query.tags == ["a"] && query.includeSeen)
            #expect(query.exclude.map(\.string) == ["9"])
            #expect(
                try ask(client, "RECOMMEND.ITEMS 2 i1 i2 WITHSCORES COUNT 1")
                    == .array([.text("i1"), .double(0.9)]))
            #expect(try ask(client, "RECOMMEND.ITEMS 1 lost") == .error("NOITEM item 'lost' is not known"))
            let meta = try ask(client, "RECOMMEND.ITEMS 2 lost i1 WITHMETA")
            #expect(meta["ignored"] == list("lost"))
            let long = ["RECOMMEND.ITEMS", "1000"] + Array(repeating: "i1", count: 1_000) + ["COUNT", "1"]
            #expect(try client.call(long) == list("i1"))
        }
    }

    @Test("SEARCH takes words up to the first option, TAGS a user or items; both say BY content is asked")
    func content() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "SEARCH time COUNT 2") == list("i1", "i2"))
            try client.send(["search", "count", "time travel", "TAG", "a", "COUNT", "1"])
            #expect(try client.receive() == list("i1"))
            #expect(service.state.withLock { $0.searches.last?.words } == ["count", "time travel"])
            #expect(service.state.withLock { $0.searches.last?.tags } == ["a"])
            let meta = try ask(client, "SEARCH time zzz WITHMETA")
            #expect(meta["known-words"] == .array([.text("time")]))
            #expect(meta["guessed-words"] == .array([.text("zzz")]))
            #expect(try ask(client, "RECOMMEND u1 WITHMETA")["guessed-words"] == nil)
            #expect(
                try ask(client, "TAGS USER u1")
                    == .array([.text("comedy"), .integer(3), .text("time travel"), .integer(1)]))
            #expect(try ask(client, "TAGS ITEMS i1 i2 COUNT 1") == .array([.text("comedy"), .integer(3)]))
            #expect(
                service.state.withLock { $0.tags.map(\.subject) }
                    == [.user(try EntityID("u1")), .items([try EntityID("i1"), try EntityID("i2")])])
            _ = try ask(client, "SIMILAR i1 BY content")
            _ = try ask(client, "RECOMMEND u1 by CONTENT")
            #expect(
                service.state.withLock { ($0.similar.last?.by, $0.recommended.last?.by) } == (
                    .content, .content
                ))
        }
    }

    @Test("SIMILAR.USERS answers users, with scores when asked for")
    func similarUsers() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "SIMILAR.USERS u1 COUNT 2") == list("i1", "i2"))
            #expect(
                try ask(client, "SIMILAR.USERS u1 count 1 metric L2 WITHSCORES MODEL m")
                    == .array([.text("i1"), .double(0.9)]))
            let query = try #require(service.state.withLock { $0.similarUsers.last })
            #expect(query.metric == .l2 && query.count == 1 && query.model == "m")
            service.change { $0.scoreFactor = .infinity }
            guard case .error(let message) = try ask(client, "SIMILAR.USERS u1 WITHSCORES") else {
                Issue.record("an infinity went out")
                return
            }
            #expect(message.hasPrefix("UNAVAILABLE score of user 'i1' is inf"))
        }
    }

    @Test("WITHMETA makes the answer a map, a flat array in RESP 2")
    func meta() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let whole = RESPValue.map([
                (.text("items"), .array([.text("i1"), .double(0.9), .text("i2"), .double(0.8)])),
                (.text("model"), .text("likes")), (.text("position"), .text("0:7 1:9")),
                (.text("age-ms"), .double(1.5)), (.text("unlearned"), .integer(2)),
                (.text("path"), .text("scan")), (.text("fallback"), .text("none")),
                (.text("candidates"), .integer(5)), (.text("why-fewer"), .null),
            ])
            #expect(try ask(client, "RECOMMEND u1 COUNT 2 WITHSCORES WITHMETA") == whole)
            #expect(try ask(client, "MRECOMMEND u1 COUNT 2 WITHSCORES WITHMETA") == .array([whole]))
            #expect(try ask(client, "TOP 2 BY popular WITHMETA")["items"] == list("i1", "i2"))
            #expect(try ask(client, "SIMILAR i1 COUNT 1 WITHMETA")["model"] == .text("likes"))
            #expect(try ask(client, "RECOMMEND stranger WITHMETA")["fallback"] == .text("popular"))
            let fewer = try ask(client, "RECOMMEND u1 COUNT 6 WITHMETA")
            #expect(fewer["items"] == list("i1", "i2", "i3", "i4", "i5"))
            #expect(
                fewer["why-fewer"]
                    == .map([
                        (.text("catalogue"), .integer(9)), (.text("unavailable"), .integer(0)),
                        (.text("tag"), .integer(1)), (.text("hidden"), .integer(0)),
                        (.text("seen"), .integer(3)), (.text("excluded"), .integer(0)),
                        (.text("untaken"), .integer(0)),
                    ]))
            _ = try ask(client, "HELLO 2")
            guard case .array(let flat) = try ask(client, "RECOMMEND u1 COUNT 2 WITHMETA") else {
                Issue.record("no flat array in RESP 2")
                return
            }
            #expect(flat.count == 18)
            #expect(flat[1] == list("i1", "i2"))
        }
    }

    @Test("COMMAND DOCS and INFO describe every command, with the arguments of its usage line")
    func documentation() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            for command in CommandTable.standard.commands {
                let name = command.name.lowercased()
                let docs = try #require(try client.call(["COMMAND", "DOCS", name])[name])
                #expect(docs["summary"]?.string?.hasSuffix(".") == true, "\(name)")
                guard case .array(let arguments) = docs["arguments"] else {
                    Issue.record("\(name) has no arguments in its documentation")
                    continue
                }
                #expect(arguments.count == command.arguments.count)
                for argument in arguments {
                    #expect(argument["name"]?.string != nil && argument["type"]?.string != nil)
                }
                guard case .array(let info) = try client.call(["COMMAND", "INFO", name]),
                    case .array(let entry) = info.first
                else {
                    Issue.record("\(name) has no entry in COMMAND INFO")
                    continue
                }
                #expect(entry[1] == .integer(Int64(command.arity)))
            }
            let session = try ask(client, "COMMAND DOCS recommend.items")["recommend.items"]
            guard case .array(let arguments) = session?["arguments"] else { return }
            let weights = try #require(arguments.first { $0["name"] == .text("weight") })
            #expect(weights["token"] == .text("WEIGHTS"))
            #expect(weights["flags"] == .array([.simple("optional"), .simple("multiple")]))
            let tags = try #require(arguments.first { $0["token"] == .text("TAG") })
            #expect(
                tags["flags"]
                    == .array([.simple("optional"), .simple("multiple"), .simple("multiple_token")]))
        }
    }

    static let refused: [(String, String)] = [
        (
            "MRECOMMEND",
            "ERR wrong number of arguments for 'mrecommend' command; usage: MRECOMMEND user [user...]"
        ),
        ("MRECOMMEND u1 u2 COUNT 0", "ERR COUNT is '0'; an integer from 1 to 10000 is allowed"),
        (
            "MRECOMMEND a b c d e f g h i j k COUNT 10000",
            "ERR 11 users, COUNT 10000; at most 1000 users and 100000 items in all are allowed; usage: MREC"
        ),
        ("MRECOMMEND u1 COUNT 1 u2", "ERR unexpected 'U2'; usage: MRECOMMEND"),
        (
            "RECOMMEND.ITEMS 1",
            "ERR wrong number of arguments for 'recommend.items' command; usage: RECOMMEND.ITEMS numi"
        ),
        (
            "RECOMMEND.ITEMS i1 5",
            "ERR numitems is 'i1'; an integer from 1 to 1000 is allowed; usage: RECOMMEND."
        ),
        ("RECOMMEND.ITEMS 0 i1", "ERR numitems is '0'; an integer from 1 to 1000 is allowed"),
        ("RECOMMEND.ITEMS 3 i1 i2", "ERR item is missing; usage: RECOMMEND.ITEMS"),
        ("RECOMMEND.ITEMS 1 i1 i2", "ERR unexpected 'I2'; usage: RECOMMEND.ITEMS"),
        ("RECOMMEND.ITEMS 2 i1 i2 WEIGHTS 1", "ERR weight is missing; usage: RECOMMEND.ITEMS"),
        ("RECOMMEND.ITEMS 2 i1 i2 WEIGHTS 1 x", "ERR weight is 'x'; a finite number is allowed"),
        ("RECOMMEND.ITEMS 2 i1 i2 WEIGHTS 1 nan", "ERR weight is 'nan'; a finite number is allowed"),
        ("RECOMMEND.ITEMS 1 i1 WEIGHTS 1 2", "ERR unexpected '2'; usage: RECOMMEND.ITEMS"),
        ("RECOMMEND.ITEMS 1 i1 WEIGHTS 1 WEIGHTS 2", "ERR WEIGHTS is given twice"),
        ("RECOMMEND.ITEMS 1 i1 FALLBACK none", "ERR unexpected 'FALLBACK'; usage: RECOMMEND.ITEMS"),
        ("SEARCH", "ERR wrong number of arguments for 'search' command; usage: SEARCH word [word...]"),
        ("SEARCH a COUNT 0", "ERR COUNT is '0'; an integer from 1 to 10000 is allowed"),
        ("TAGS USER", "ERR user is missing; usage: TAGS"),
        ("TAGS u1 u2", "ERR unexpected 'U1'; USER, RECOMMENDED or ITEMS is allowed"),
        ("TAGS USER u1 AMONG 5", "ERR AMONG goes with RECOMMENDED"),
        ("TAGS USER u1 MODEL m", "ERR unexpected 'MODEL'; usage: TAGS"),
        ("SIMILAR i1 BY taste", "ERR BY is 'taste'; model or content is allowed"),
        ("RECOMMEND u1 BY content BY model", "ERR BY is given twice"),
        ("SIMILAR.USERS u1 METRIC taxi", "ERR METRIC is 'taxi'; cosine or dot or l2 is allowed"),
        ("SIMILAR.USERS u1 TAG a", "ERR unexpected 'TAG'; usage: SIMILAR.USERS"),
        ("SIMILAR.USERS u1 WITHMETA", "ERR unexpected 'WITHMETA'; usage: SIMILAR.USERS"),
        ("TOP 3 BY bias BY popular", "ERR unexpected 'BY'; usage: TOP"),
        ("SIMILAR i1 METRIC dot METRIC l2", "ERR METRIC is given twice; usage: SIMILAR item"),
        ("EXPLAIN u1 i1 MODEL a MODEL b", "ERR MODEL is given twice; usage: EXPLAIN"),
        ("RANK u1 i1 MODEL a MODEL b", "ERR MODEL is given twice; usage: RANK"),
        ("USER.GET u1 COUNT 1 COUNT 2", "ERR COUNT is given twice; usage: USER.GET"),
    ]

    @Test("bad input is refused with what was found and what is allowed", arguments: refused)
    func refusals(line: String, expected: String) async throws {
        try await withServer { path, _ in
            guard case .error(let message) = try ask(RPCClient(socketPath: path), line) else {
                Issue.record("'\(line)' is not refused")
                return
            }
            #expect(message.hasPrefix(expected), "\(message)")
        }
    }

    @Test("10,000 EXCLUDEs are one request")
    func manyExclusions() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            let words = (0..<10_000).flatMap { ["EXCLUDE", "x\($0)"] }
            #expect(try client.call(["RECOMMEND", "u1"] + words + ["COUNT", "1"]) == list("i1"))
            #expect(service.state.withLock { $0.recommended.last?.exclude.count } == 10_000)
        }
    }

    @Test(
        "ids with spaces, quotes, line breaks, NUL bytes and emoji pass both ways, byte by byte",
        arguments: ["a b", "\"'", "\r\n", "\0", "a\0b", "🎬👩‍👩‍👧", "é", "e\u{301}", "COUNT"])
    func strangeIDs(text: String) async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try client.call(["HIDE", text, text]) == .text("0:0"))
            #expect(try client.call(["RECOMMEND", text, "COUNT", "1", "EXCLUDE", text]) == list("i1"))
            _ = try client.call(["RECOMMEND.ITEMS", "2", "i1", text])
            _ = try client.call(["MRECOMMEND", text, "COUNT", "1"])
            let (event, recommended, session) = service.state.withLock {
                ($0.appended.last, $0.recommended, $0.sessions.last)
            }
            let id = try EntityID(text)
            #expect(event == Event(.hide(user: id, item: id)))
            #expect(recommended.map(\.user) == [id, id])
            #expect(recommended[0].exclude == [id])
            #expect(session?.items.last == id)
            #expect(try client.call(["ECHO", text]) == .text(text))
            guard case .error(let message) = try client.call(["PREDICT", text]) else { return }
            #expect(!message.contains("\n"))
        }
    }
}
