import Access
import Engine
import Events
import Locking
import LookUps
import RESP
import RPC
import RPCSupport
import Testing

@testable import Commands

@Suite("RPC commands")
struct CommandTests {
    @Test("connection commands answer as stock clients expect")
    func connection() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "PING") == .simple("PONG"))
            #expect(try ask(client, "ping hello") == .text("hello"))
            #expect(try ask(client, "ECHO x") == .text("x"))
            #expect(try ask(client, "SELECT 0") == .simple("OK"))
            #expect(try ask(client, "CLIENT SETNAME me") == .simple("OK"))
            #expect(try ask(client, "CLIENT GETNAME") == .text("me"))
            #expect(try ask(client, "CLIENT SETINFO LIB-NAME test") == .simple("OK"))
            #expect(try ask(client, "CLIENT ID") == .integer(1))
            #expect(try ask(client, "CLIENT NO-EVICT ON") == .simple("OK"))
            #expect(try ask(client, "CLIENT LIST").string?.contains("name=me") == true)
            #expect(try ask(client, "CLIENT INFO").string?.contains("resp=3") == true)
            let hello = try ask(client, "HELLO 2 SETNAME you")
            #expect(hello["server"] == .text("freshet"))
            #expect(hello["proto"] == .integer(2))
            #expect(try ask(client, "CLIENT GETNAME") == .text("you"))
            #expect(try ask(client, "CONFIG GET save") == list("save", ""))
            #expect(try ask(client, "CONFIG GET nothing") == .array([]))
            #expect(try ask(client, "RESET") == .simple("RESET"))
            #expect(try ask(client, "QUIT") == .simple("OK"))
            #expect(throws: RPCClientError.self) { try ask(client, "PING") }
        }
    }

    @Test("COMMAND describes every command in Redis's shapes")
    func introspection() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let count = Int64(CommandTable.standard.commands.count)
            #expect(try ask(client, "COMMAND COUNT") == .integer(count))
            guard case .array(let all) = try ask(client, "COMMAND") else {
                Issue.record("COMMAND is no array")
                return
            }
            #expect(Int64(all.count) == count)
            guard case .array(let some) = try ask(client, "COMMAND INFO rate nothing"),
                case .array(let rate) = some.first
            else {
                Issue.record("COMMAND INFO is no array")
                return
            }
            #expect(rate[0] == .text("rate"))
            #expect(rate[1] == .integer(-4))
            #expect(some[1] == .null)
            let docs = try ask(client, "COMMAND DOCS ITEM.SET")
            #expect(docs["item.set"]?["group"] == .text("event"))
            #expect(docs["item.set"]?["arguments"] != nil)
        }
    }

    @Test(
        "usage lines read as the documentation has them",
        arguments: [
            (
                "RECOMMEND",
                "RECOMMEND user [COUNT n] [MODEL m] [BY model|content|match] [WITHSCORES] [WITHMETA] [TAG t]... [EXCLUDE item]... "
                    + "[INCLUDESEEN] [SEEN rule] [AFTER token [TIMEOUT ms]] "
                    + "[FALLBACK popular|none]"
            ),
            ("FEED", "FEED event [event...]"),
            ("RATE", "RATE user item value [TS ms] [ID id]"), ("FORGET", "FORGET user [TS ms] [ID id]"),
            ("PREDICT", "PREDICT user item [item...] [MODEL m] [AFTER token [TIMEOUT ms]]"),
            (
                "ITEM.SET",
                "ITEM.SET item [TITLE t] [TAGS a,b] [TAG t]... [ADDTAG t]... [AVAILABLE 0|1] [TS ms] [ID id]"
            ),
            ("USER.SET", "USER.SET user [TAGS a,b] [TAG t]... [ADDTAG t]... [TS ms] [ID id]"),
            ("HELLO", "HELLO [protover [AUTH username password] [SETNAME clientname]]"),
        ])
    func usage(name: String, usage: String) {
        #expect(CommandTable.standard[name]?.usage == usage)
    }

    @Test("RECOMMEND takes its options in any order and case")
    func recommend() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "RECOMMEND u1 COUNT 2") == list("i1", "i2"))
            #expect(
                try ask(client, "RECOMMEND u1 withscores COUNT 2")
                    == .array([.text("i1"), .double(0.9), .text("i2"), .double(0.8)]))
            _ = try ask(
                client,
                "RECOMMEND u1 exclude i1 Tag a EXCLUDE i2 INCLUDESEEN MODEL stars TAG b FALLBACK none COUNT 7"
            )
            let query = try #require(service.state.withLock { $0.recommended.last })
            #expect(query.exclude.map(\.string) == ["i1", "i2"])
            #expect(query.tags == ["a", "b"])
            #expect(query.includeSeen)
            #expect(query.model == "stars")
            #expect(query.fallback == .none)
            #expect(query.count == 7)
            #expect(
                try ask(client, "RECOMMEND stranger FALLBACK none")
                    == .error("NOUSER user 'stranger' is not known"))
            #expect(try ask(client, "RECOMMEND u1 MODEL x") == .error("NOMODEL model 'x' is not known"))
        }
    }

    @Test("SIMILAR and PREDICT answer lists; scores are text in RESP 2")
    func similarAndPredict() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "SIMILAR i1 COUNT 3 METRIC DOT TAG a") == list("i2", "i3"))
            #expect(service.state.withLock { $0.similar.last?.metric } == .dot)
            #expect(try ask(client, "PREDICT u1 i1 i2 model stars") == .array([.double(4.5), .double(3.5)]))
            #expect(try ask(client, "PREDICT u1 MODEL") == .array([.double(4.5)]))
            _ = try ask(client, "HELLO 2")
            #expect(try ask(client, "PREDICT u1 i1") == list("4.5"))
            #expect(try ask(client, "SIMILAR i1 COUNT 2 WITHSCORES") == list("i2", "0.8"))
        }
    }

    @Test("FEED appends events given as JSON and answers each with its token or what is wrong with it")
    func bulkFeeding() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            let (user, item) = (try EntityID("u1"), try EntityID("i1"))
            let rating = Event(.rating(user: user, item: item, value: 4.5), time: 1_700_000_000_000)
            let answer = try client.call([
                "FEED", String(decoding: EventEncoder.record(of: rating), as: UTF8.self), "{\"user\":\"u1\"}",
                "no JSON", "{\"type\":\"forget\",\"user\":\"u1\"}",
            ])
            guard case .array(let answers) = answer, answers.count == 4 else {
                return #expect(answer == .array([]), "not four answers")
            }
            #expect(answers[0] == .text("0:0"))
            #expect("\(answers[1])".contains("item"))
            #expect("\(answers[2])".contains("JSON"))
            #expect(answers[3] == .text("0:1"))
            #expect(service.state.withLock { $0.appended } == [rating, Event(.forget(user: user))])
            #expect(try ask(client, "RATE u1 i1 5") == .text("0:2"))
        }
    }

    @Test("feeding commands append their event and answer its token")
    func feeding() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            let (user, item) = (try EntityID("u1"), try EntityID("i1"))
            #expect(try ask(client, "RATE u1 i1 4.5 TS 1700000000000") == .text("0:0"))
            #expect(try ask(client, "SIGNAL u1 i1 click") == .text("0:1"))
            #expect(try ask(client, "RETRACT u1 i1") == .text("0:2"))
            #expect(try ask(client, "HIDE u1 i1 TS 2023-11-14T22:13:20Z ID e7") == .text("0:3"))
            #expect(try ask(client, "UNHIDE u1 i1") == .text("0:4"))
            #expect(try ask(client, "FORGET u1") == .text("0:5"))
            #expect(
                try client.call(["ITEM.SET", "i1", "tags", "a,b", "TITLE", "A b", "AVAILABLE", "0"])
                    == .text("0:6"))
            #expect(try ask(client, "ITEM.SET i1 TS 1700000000 ID s1") == .text("0:7"))
            #expect(
                try client.call(["ITEM.SET", "i1", "TAG", "a, b", "TAG", "c", "TAGS", "d,e"]) == .text("0:8"))
            #expect(try ask(client, "ITEM.SET i1 ADDTAG x ADDTAG y") == .text("0:9"))
            #expect(try ask(client, "USER.SET u1 TAGS F,age:25 ADDTAG vip TS 1700000000") == .text("0:10"))
            #expect(
                service.state.withLock { $0.appended } == [
                    Event(.rating(user: user, item: item, value: 4.5), time: 1_700_000_000_000),
                    Event(.signal(user: user, item: item, name: "click")),
                    Event(.retract(user: user, item: item)),
                    Event(.hide(user: user, item: item), time: 1_700_000_000_000, id: "e7"),
                    Event(.unhide(user: user, item: item)),
                    Event(.forget(user: user)),
                    Event(
                        .item(ItemDescription(item: item, title: "A b", tags: ["a", "b"], available: false))),
                    Event(.item(ItemDescription(item: item)), time: 1_700_000_000_000, id: "s1"),
                    Event(.item(ItemDescription(item: item, tags: ["a, b", "c", "d", "e"]))),
                    Event(.item(ItemDescription(item: item, addedTags: ["x", "y"]))),
                    Event(
                        .user(UserDescription(user: user, tags: ["F", "age:25"], addedTags: ["vip"])),
                        time: 1_700_000_000_000),
                ])
        }
    }

    @Test("records, models, status and checkpoint are maps")
    func records() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let item = try ask(client, "ITEM.GET i1")
            #expect(item["title"] == .text("Title of i1"))
            #expect(item["tags"] == list("a", "b"))
            #expect(item["available"] == .boolean(true))
            #expect(item["mean"] == .double(3.5))
            #expect(item["ratings"] == .integer(2))
            #expect(item["last-event"] == .integer(1000))
            let stars = RESPValue.map([
                (.text("positives"), .integer(2)), (.text("bias"), .double(0.5)),
                (.text("norm"), .double(1.5)), (.text("popular"), .double(1.75)),
                (.text("trending"), .double(-0.5)),
            ])
            #expect(item["models"]?["stars"] == stars)
            #expect(item["models"]?["likes"]?["norm"] == .null)
            #expect(try ask(client, "ITEM.GET x") == .error("NOITEM item 'x' is not known"))
            let user = try ask(client, "USER.GET u1 COUNT 1")
            #expect(user["seen"] == .integer(2))
            let entry = RESPValue.map([
                (.text("item"), .text("i1")), (.text("value"), .double(4.5)),
                (.text("kind"), .text("rating")),
                (.text("ts"), .integer(1000)),
            ])
            #expect(user["history"] == .array([entry]))
            guard case .array(let both) = try ask(client, "USER.GET u1")["history"] else {
                Issue.record("no history")
                return
            }
            #expect(both[1]["signals"] == .integer(3) && both[1]["first-ts"] == .integer(800))
            #expect(both[1]["faded-weight"] == .double(0.25))
            #expect(user["hidden"] == .integer(3))
            #expect(user["hidden-items"] == list("i1"))
            #expect(user["models"]?["stars"]?["bias"] == .double(0.25))
            guard case .array(let models) = try ask(client, "MODELS") else {
                Issue.record("MODELS is no array")
                return
            }
            #expect(models.first?["rmse"] == .double(0.9))
            guard case .array(let dropped) = try ask(client, "QUARANTINE COUNT 5 MODEL stars") else {
                Issue.record("QUARANTINE is no array")
                return
            }
            #expect(dropped.count == 1 && dropped[0]["token"] == .text("0:9"))
            #expect(dropped[0]["user"] == .text("u1") && dropped[0]["why"] == .text("past-norm"))
            let status = try ask(client, "STATUS")
            #expect(status["events.applied"] == .integer(7))
            #expect(status["events.rate"] == .null)
            #expect(status["log.reachable"] == .boolean(true))
            #expect(status["rpc.connections"] == .integer(1))
            #expect(status["digest"] == nil)
            #expect(try ask(client, "STATUS digest")["digest"] == .text("00112233aabbccdd"))
            #expect(
                try ask(client, "CHECKPOINT") == .map([(.text("0"), .integer(7)), (.text("1"), .integer(9))]))
            let log = try ask(client, "INFO log")
            #expect(log == .text("# Log\r\nlog.name:embedded\r\nlog.reachable:1\r\n"))
            let info = try #require(try ask(client, "INFO").string)
            #expect(info.hasPrefix("# Server\r\n"))
            #expect(info.contains("events.applied:7\r\n"))
        }
    }

    static let refused: [([String], String)] = [
        (["NOTHING"], "ERR unknown command 'NOTHING', with args beginning with: "),
        (
            ["RATE", "u1"],
            "ERR wrong number of arguments for 'rate' command; usage: RATE user item value [TS ms] [ID id]"
        ),
        (["ECHO", "a", "b"], "ERR wrong number of arguments for 'echo' command"),
        (["RATE", "u1", "i1", "nan"], "ERR value is 'nan'; a finite number is allowed"),
        (["RATE", "u1", "i1", "inf"], "ERR value is 'inf'; a finite number is allowed"),
        (["RATE", "u1", "i1", "1e999"], "ERR value is '1e999'; a finite number is allowed"),
        (["RATE", "u1", "i1", "good"], "ERR value is 'good'; a finite number is allowed"),
        (["RATE", "", "i1", "4"], "ERR user: id is empty; 1 to 256 bytes"),
        (["RATE", "u1", String(repeating: "x", count: 300), "4"], "ERR item: id has 300 bytes"),
        (
            ["RATE", "u1", "i1", "4", "TS", "yesterday"],
            "ERR field 'TS' is 'yesterday'; allowed is a number of seconds"
        ),
        (["RATE", "u1", "i1", "4", "NOW"], "ERR unexpected 'NOW'; usage: RATE"),
        (["RATE", "u1", "i1", "4", "TS"], "ERR TS is missing; usage: RATE"),
        (
            ["RECOMMEND", "u1", "COUNT", "0"],
            "ERR COUNT is '0'; an integer from 1 to 10000 is allowed; usage: REC"
        ),
        (["RECOMMEND", "u1", "COUNT", "-1"], "ERR COUNT is '-1'; an integer from 1 to 10000 is allowed"),
        (
            ["RECOMMEND", "u1", "COUNT", "1000000000"],
            "ERR COUNT is '1000000000'; an integer from 1 to 10000"
        ),
        (["RECOMMEND", "u1", "COUNT", "ten"], "ERR COUNT is 'ten'; an integer from 1 to 10000 is allowed"),
        (["RECOMMEND", "u1", "AFTER", "later"], "ERR AFTER is 'later'; a token such as 0:1234 is allowed"),
        (["RECOMMEND", "u1", "AFTER", "0:1", "TIMEOUT", "-5"], "ERR TIMEOUT is '-5'; an integer from 0"),
        (["RECOMMEND", "u1", "FALLBACK", "luck"], "ERR FALLBACK is 'luck'; popular or none is allowed"),
        (["SIMILAR", "i1", "METRIC", "taxi"], "ERR METRIC is 'taxi'; cosine or dot or l2 is allowed"),
        (["USER.SET", "u1"], "ERR TAGS, TAG or ADDTAG is missing; usage: USER.SET"),
        (["ITEM.SET", "i1", "AVAILABLE", "2"], "ERR AVAILABLE is '2'; an integer from 0 to 1 is allowed"),
        (["RECOMMEND", "u1", "COUNT", "2", "count", "3"], "ERR COUNT is given twice; usage: RECOMMEND user"),
        (["RECOMMEND", "u1", "INCLUDESEEN", "INCLUDESEEN"], "ERR INCLUDESEEN is given twice"),
        (["RECOMMEND", "u1", "SEEN", "never"], "ERR SEEN is 'never'"),
        (["RECOMMEND", "u1", "SEEN", "after", "3 moons"], "ERR SEEN is 'after 3 moons'"),
        (["RECOMMEND", "u1", "AFTER", "0:1", "AFTER", "0:2"], "ERR AFTER is given twice"),
        (["RECOMMEND", "u1", "FALLBACK", "none", "FALLBACK", "popular"], "ERR FALLBACK is given twice"),
        (["RATE", "u1", "i1", "4", "TS", "1", "TS", "2"], "ERR TS is given twice; usage: RATE"),
        (["ITEM.SET", "i1", "TITLE", "a", "TITLE", "b"], "ERR TITLE is given twice; usage: ITEM.SET"),
        (
            ["HIDE", "u1"],
            "ERR wrong number of arguments for 'hide' command; usage: HIDE user item [TS ms] [ID id]"
        ),
        (["HIDE", "u1", "i1", "4"], "ERR unexpected '4'; usage: HIDE user item [TS ms] [ID id]"),
        (["UNHIDE", "u1", ""], "ERR item: id is empty; 1 to 256 bytes"),
        (["USER.GET", "nobody"], "NOUSER user 'nobody' is not known"),
        (["SELECT", "1"], "ERR DB index is out of range"),
        (["CONFIG", "SET", "a", "b"], "ERR Unknown option or number of arguments for CONFIG SET - 'a'"),
        (["CLIENT", "DANCE"], "ERR unknown subcommand 'DANCE'. Try CLIENT HELP."),
        (
            ["CLIENT", "SETNAME", "a b"],
            "ERR Client names cannot contain spaces, newlines or special characters."
        ),
        (["COMMAND", "DANCE"], "ERR unknown subcommand 'DANCE'. Try COMMAND HELP."),
        (["HELLO", "4"], "NOPROTO unsupported protocol version"),
        (["AUTH", "x"], "ERR AUTH <password> called without any password configured for the default user."),
        (["STATUS", "NOW"], "ERR unexpected 'NOW'; usage: STATUS [DIGEST]"),
    ]

    @Test("bad input is refused with what was found and what is allowed, and never reaches the log")
    func refusals() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            for (command, expected) in Self.refused {
                guard case .error(let message) = try client.call(command) else {
                    Issue.record("\(command) is not refused")
                    continue
                }
                #expect(message.hasPrefix(expected))
            }
            #expect(try ask(client, "PING") == .simple("PONG"))
            #expect(service.state.withLock { $0.appended.isEmpty })
        }
    }

    @Test("an id that is not UTF-8 is refused")
    func notUTF8() async throws {
        try await withServer { path, _ in
            let raw = try RawConnection(path)
            raw.send(Array("*2\r\n$9\r\nRECOMMEND\r\n$2\r\n".utf8) + [0xC3, 0x28] + Array("\r\n".utf8))
            raw.endSending()
            #expect(raw.readToEnd().hasPrefix("-ERR user is not UTF-8; usage: RECOMMEND"))
        }
    }

    @Test("a score that is not finite is never served")
    func neverNaN() async throws {
        try await withServer { path, service in
            service.change { $0.scoreFactor = .nan }
            let client = try RPCClient(socketPath: path)
            guard case .error(let message) = try ask(client, "RECOMMEND u1 WITHSCORES") else {
                Issue.record("a NaN went out")
                return
            }
            #expect(message.hasPrefix("UNAVAILABLE score of item 'i1' is nan"))
        }
    }

    @Test("a server with a password lets nobody in without it")
    func password() async throws {
        try await withServer({ $0.access = AccessControl(AccessRules(password: "secret")) }) {
            path, service in
            let raw = try RawConnection(path)
            raw.ask("RATE u1 i1 4\r\n", expecting: "-NOAUTH Authentication required.\r\n")
            raw.ask("NOTHING\r\n", expecting: "-NOAUTH Authentication required.\r\n")
            raw.ask("AUTH secre\r\n", expecting: "-WRONGPASS ")
            _ = raw.read("invalid username-password pair or user is disabled.\r\n".utf8.count)
            raw.ask("AUTH default secret\r\n", expecting: "+OK\r\n")
            raw.ask("PING\r\n", expecting: "+PONG\r\n")
            raw.ask("RESET\r\n", expecting: "+RESET\r\n")
            raw.ask("PING\r\n", expecting: "-NOAUTH Authentication required.\r\n")
            raw.ask("AUTH secret\r\n", expecting: "+OK\r\n")
            #expect(service.state.withLock { $0.appended.isEmpty })
            #expect(throws: RPCClientError.self) { try RPCClient(socketPath: path) }
            #expect(throws: RPCClientError.self) { try RPCClient(socketPath: path, password: "Secret") }
            let client = try RPCClient(socketPath: path, password: "secret")
            #expect(try ask(client, "PING") == .simple("PONG"))
        }
    }

    @Test(
        "passwords are equal only when all bytes are",
        arguments: [
            ("a", "a", true), ("a", "b", false), ("", "a", false), ("aa", "a", false), ("a", "", false),
        ])
    func comparison(guess: String, secret: String, isEqual: Bool) {
        #expect(SecretText.isEqual(guess, secret) == isEqual)
    }
}
