import Engine
import Events
import Locking
import LookUps
import RESP
import RPCSupport
import Testing

@testable import Commands

@Suite("RANK, EXPLAIN and TOP")
struct ExplanationCommandTests {
    @Test(
        "usage lines and arities read as the documentation has them",
        arguments: [
            ("RANK", "RANK user item [item...] [MODEL m] [AFTER token [TIMEOUT ms]]", -3),
            (
                "EXPLAIN",
                "EXPLAIN user item [MODEL m] [TAG t]... [EXCLUDE item]... [AFTER token [TIMEOUT ms]]", -3
            ),
            (
                "TOP",
                "TOP n BY popular|trending|bias|-bias [AMONG m] [MODEL m] [TAG t]... [WITHSCORES] [WITHMETA] "
                    + "[AFTER token [TIMEOUT ms]]", -4
            ),
        ])
    func usage(name: String, usage: String, arity: Int) {
        #expect(CommandTable.standard[name]?.usage == usage)
        #expect(CommandTable.standard[name]?.arity == arity)
    }

    @Test("RANK answers id and score in turn, best first")
    func rank() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let ranked = RESPValue.array([.text("i2"), .double(-3.5), .text("i1"), .double(-4.5)])
            #expect(try ask(client, "RANK u1 i1 i2 model stars") == ranked)
            #expect(try ask(client, "RANK u1 MODEL") == .array([.text("MODEL"), .double(-4.5)]))
            _ = try ask(client, "HELLO 2")
            #expect(try ask(client, "RANK u1 i1") == list("i1", "-4.5"))
        }
    }

    @Test("EXPLAIN has the parts of the score and the items that carry it")
    func explain() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let carriers = RESPValue.array([
                .map([
                    (.text("item"), .text("i1")), (.text("title"), .text("One")),
                    (.text("similarity"), .double(0.7)), (.text("value"), .double(4.5)),
                ]),
                .map([
                    (.text("item"), .text("i2")), (.text("title"), .null),
                    (.text("similarity"), .double(0.6)), (.text("value"), .double(1)),
                ]),
            ])
            #expect(
                try ask(client, "EXPLAIN u1 i2 MODEL stars")
                    == .map([
                        (.text("model"), .text("stars")), (.text("score"), .double(4.25)),
                        (.text("mean"), .double(3.5)), (.text("user-bias"), .double(0.25)),
                        (.text("item-bias"), .double(0.1)), (.text("match"), .double(0.4)),
                        (.text("rank"), .integer(2)), (.text("score-of-top-10"), .null),
                        (.text("recommended"), .boolean(true)), (.text("why-not"), .array([])),
                        (.text("carried-by"), carriers),
                    ]))
        }
    }

    @Test("EXPLAIN takes the filters of the request it is asked about")
    func explainFilters() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            _ = try ask(client, "EXPLAIN u1 i2 TAG a EXCLUDE i3 TAG b EXCLUDE i4")
            let query = try #require(service.state.withLock { $0.explained.last })
            #expect(query.tags == ["a", "b"])
            #expect(query.exclude.map(\.string) == ["i3", "i4"])
        }
    }

    @Test("EXPLAIN has the shares of past items where the model can tell them")
    func explainShares() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let answer = try ask(client, "EXPLAIN u1 i2 MODEL solved")
            guard case .array(let carriers) = answer["carried-by"] else {
                Issue.record("carried-by is no array")
                return
            }
            #expect(carriers.first?["share"] == .double(0.5))
            #expect(answer["carried-by-others"] == .double(0.25))
            #expect(answer["drift"] == .double(-0.125))
            #expect(try ask(client, "EXPLAIN u1 i2")["drift"] == nil)
        }
    }

    @Test("EXPLAIN says what keeps an item out, and leaves out parts that the model does not have")
    func whyNot() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let answer = try ask(client, "EXPLAIN u1 i1")
            #expect(answer["mean"] == nil)
            #expect(answer["user-bias"] == nil)
            #expect(answer["rank"] == .null)
            #expect(answer["score-of-top-10"] == .double(0.3))
            #expect(answer["recommended"] == .boolean(false))
            #expect(answer["why-not"] == list("seen", "rank"))
            #expect(answer["seen-value"] == .double(4.5))
            #expect(answer["seen-ts"] == .integer(1000))
            _ = try ask(client, "HELLO 2")
            #expect(try ask(client, "EXPLAIN u1 i1")["recommended"] == .integer(0))
        }
    }

    @Test("TOP takes its order and options, and scores when asked for")
    func top() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "TOP 2 BY popular") == list("i1", "i2"))
            #expect(
                try ask(client, "top 1 by -BIAS tag a WithScores MODEL stars TAG b")
                    == .array([.text("i1"), .double(0.9)]))
            let query = try #require(service.state.withLock { $0.tops.last })
            #expect(query.order == .leastBias)
            #expect(query.count == 1)
            #expect(query.model == "stars")
            #expect(query.tags == ["a", "b"])
            #expect(query.among == nil)
            _ = try ask(client, "TOP 2 BY bias AMONG 200")
            #expect(service.state.withLock { $0.tops.last?.among } == 200)
        }
    }

    @Test("AXES has the items at both ends of each axis, and places when asked for")
    func axes() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            guard case .array(let axes) = try ask(client, "AXES COUNT 1 MODEL stars WITHSCORES") else {
                Issue.record("no list of axes")
                return
            }
            #expect(axes.count == 3)
            #expect(axes[0]["low"] == .array([.text("i2"), .double(-1)]))
            #expect(axes[0]["high"] == .array([.text("i1"), .double(1)]))
            #expect(axes[1]["axis"] == .integer(2) && axes[1]["explained"] == .double(0.25))
            #expect(axes[0]["singular-value"] == .double(1.5))
            let plain = try ask(client, "AXES AMONG 50")
            guard case .array(let all) = plain else { return }
            #expect(all[1]["low"] == list("i2", "i1") && all[1]["high"] == list("i1", "i2"))
        }
    }

    @Test("RANK and EXPLAIN wait for a token, and give up in time")
    func after() async throws {
        try await withServer { path, service in
            let client = try RPCClient(socketPath: path)
            service.learn(upTo: 5)
            #expect(try ask(client, "EXPLAIN u1 i2 AFTER 0:4")["rank"] == .integer(2))
            for line in ["EXPLAIN u1 i2 AFTER 0:9 TIMEOUT 1", "RANK u1 i2 AFTER 0:9 TIMEOUT 1"] {
                #expect(try ask(client, line) == .error("STALE event 0:9 is not learned yet"))
            }
        }
    }

    static let refused: [(String, String)] = [
        ("RANK u1", "ERR wrong number of arguments for 'rank' command; usage: RANK user item"),
        ("EXPLAIN u1", "ERR wrong number of arguments for 'explain' command; usage: EXPLAIN user item"),
        ("EXPLAIN u1 i1 i2", "ERR unexpected 'I2'; usage: EXPLAIN"),
        ("EXPLAIN nobody i1", "NOUSER user 'nobody' is not known"),
        ("TOP 5", "ERR wrong number of arguments for 'top' command; usage: TOP n BY"),
        ("TOP 5 BY", "ERR wrong number of arguments for 'top' command; usage: TOP n BY"),
        ("TOP 5 OF popular", "ERR unexpected 'OF'; usage: TOP"),
        ("TOP 0 BY bias", "ERR n is '0'; an integer from 1 to 10000 is allowed"),
        ("TOP 1000000000 BY bias", "ERR n is '1000000000'; an integer from 1 to 10000 is allowed"),
        ("TOP 5 BY luck", "ERR BY is 'luck'; popular or trending or bias or -bias is allowed"),
        ("TOP 5 BY bias AMONG 0", "ERR AMONG is '0'; an integer from 1 to 1000000 is allowed"),
        ("AXES MODEL none", "NOMODEL no model 'none'"),
        ("AXES 3", "ERR unexpected '3'; usage: AXES"),
        ("TOP 5 BY bias COUNT 3", "ERR unexpected 'COUNT'; usage: TOP"),
    ]

    @Test("bad input is refused with what was found and what is allowed", arguments: refused)
    func refusals(line: String, expected: String) async throws {
        try await withServer { path, _ in
            guard case .error(let message) = try ask(RPCClient(socketPath: path), line) else {
                Issue.record("'\(line)' is not refused")
                return
            }
            #expect(message.hasPrefix(expected))
        }
    }

    @Test("a score that is not finite is never explained, nor ranked")
    func neverNaN() async throws {
        try await withServer { path, service in
            service.change { $0.scoreFactor = .nan }
            let client = try RPCClient(socketPath: path)
            for line in ["EXPLAIN u1 i1", "TOP 3 BY bias WITHSCORES"] {
                guard case .error(let message) = try ask(client, line) else {
                    Issue.record("a NaN went out")
                    return
                }
                #expect(message.hasPrefix("UNAVAILABLE score of item 'i1' is nan"))
            }
        }
    }
}
