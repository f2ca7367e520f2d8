import ArgumentParser
import Engine
import RESP
import Settings
import Testing

@testable import freshet

@Suite("thin clients")
struct ClientTests {
    @Test("recommend sends its options as the RPC takes them")
    func recommend() throws {
        let command = try RecommendCommand.parse([
            "u1", "--count", "3", "--model", "likes", "--tag", "a", "--tag", "b", "--exclude", "i1",
            "--include-seen",
            "--after", "0:7",
        ])
        #expect(
            command.rpcArguments == [
                "RECOMMEND", "u1", "COUNT", "3", "WITHSCORES", "MODEL", "likes", "TAG", "a", "TAG", "b",
                "EXCLUDE", "i1", "INCLUDESEEN", "WITHMETA", "AFTER", "0:7",
            ])
        #expect(
            try RecommendCommand.parse(["u1"]).rpcArguments == [
                "RECOMMEND", "u1", "COUNT", "10", "WITHSCORES", "WITHMETA",
            ])
    }

    @Test("several users, and a session's items, become their own commands")
    func recommendOthers() throws {
        #expect(
            try RecommendCommand.parse(["u1", "u2", "--meta"]).rpcArguments
                == ["MRECOMMEND", "u1", "u2", "COUNT", "10", "WITHSCORES", "WITHMETA"])
        #expect(
            try RecommendCommand.parse(["--items", "i1", "5", "--weights", "2", "1", "--count", "3"])
                .rpcArguments
                == [
                    "RECOMMEND.ITEMS", "2", "i1", "5", "WEIGHTS", "2", "1", "COUNT", "3", "WITHSCORES",
                    "WITHMETA",
                ])
        #expect(throws: (any Error).self) { try RecommendCommand.parse([]) }
        #expect(throws: (any Error).self) { try RecommendCommand.parse(["u1", "--items", "i1"]) }
        #expect(throws: (any Error).self) {
            try RecommendCommand.parse(["--items", "i1", "i2", "--weights", "1"])
        }
        #expect(try HideCommand.parse(["u1", "i1"]).rpcArguments == ["HIDE", "u1", "i1"])
        #expect(try UnhideCommand.parse(["u1", "i1"]).rpcArguments == ["UNHIDE", "u1", "i1"])
        #expect(
            try SimilarUsersCommand.parse(["u1", "--metric", "l2", "--model", "m"]).rpcArguments
                == ["SIMILAR.USERS", "u1", "COUNT", "10", "METRIC", "l2", "WITHSCORES", "MODEL", "m"])
        #expect(try TopCommand.parse(["--by", "trending", "--meta"]).scoreName == "trend")
    }

    @Test("an answer with meta shows it below the items, and around them in JSON")
    func meta() throws {
        let items = RESPValue.array([.text("i1"), .double(0.91)])
        let plain = try ListAnswer(items)
        #expect(try plain.json(scoreName: "score") == plain.items.json(scoreName: "score"))
        let answer = try ListAnswer(
            .map([
                (.text("items"), items), (.text("model"), .text("likes")), (.text("age-ms"), .double(1.25)),
                (.text("why-fewer"), .map([(.text("seen"), .integer(3))])),
            ]))
        #expect(
            answer.text(scoreName: "score") == """
                rank  item  title  score
                   1  i1            0.91

                what       value
                model      likes
                age-ms     1.25
                why-fewer  seen=3
                """)
        #expect(
            try answer.json(scoreName: "score")
                == #"{"age-ms":1.25,"items":[{"item":"i1","rank":1,"score":0.91,"tags":[],"title":null}],"#
                + #""model":"likes","why-fewer":{"seen":3}}"#)
        #expect(answer.withoutMeta.text(scoreName: "score") == plain.text(scoreName: "score"))
        #expect(
            try RecommendCommand.json(["a\u{1B}"], [plain])
                == #"[{"items":[{"item":"i1","rank":1,"score":0.91,"tags":[],"title":null}],"user":"a\u001b"}]"#
        )
        #expect(RecommendCommand.text(["a\u{1B}"], [plain]).hasPrefix("a?:\nrank  item"))
        let users = try ItemList(alternating: .array([.text("u2"), .double(0.5)]))
        #expect(try users.json(of: "user") == #"[{"rank":1,"score":0.5,"user":"u2"}]"#)
        #expect(users.table(of: "user", scoreName: "score") == "rank  user  score\n   1  u2      0.5")
    }

    @Test("the other look-ups and RATE send their arguments in order")
    func others() throws {
        #expect(
            try SimilarCommand.parse(["i1", "--metric", "dot"]).rpcArguments
                == ["SIMILAR", "i1", "COUNT", "10", "METRIC", "dot", "WITHSCORES", "WITHMETA"])
        #expect(
            try SearchCommand.parse(["time travel", "robot", "--tag", "a", "--after", "0:7"]).rpcArguments
                == [
                    "SEARCH", "time travel", "robot", "COUNT", "10", "WITHSCORES", "WITHMETA", "TAG", "a",
                    "AFTER", "0:7",
                ])
        #expect(try TagsCommand.parse(["u1"]).rpcArguments == ["TAGS", "USER", "u1", "COUNT", "10"])
        #expect(
            try TagsCommand.parse(["--items", "i1", "i2", "--count", "3"]).rpcArguments
                == ["TAGS", "ITEMS", "i1", "i2", "COUNT", "3"])
        #expect(throws: (any Error).self) { try TagsCommand.parse([]) }
        let pairs = try TagsCommand.pairs(.array([.text("war"), .integer(2)]))
        #expect(TagsCommand.text(pairs) == "tag  items\nwar      2")
        #expect(try TagsCommand.json(pairs) == #"[{"items":2,"tag":"war"}]"#)
        #expect(
            try SimilarCommand.parse(["i1", "--by", "content"]).rpcArguments
                == [
                    "SIMILAR", "i1", "COUNT", "10", "METRIC", "cosine", "WITHSCORES", "BY", "content",
                    "WITHMETA",
                ])
        #expect(
            try RecommendCommand.parse(["u1", "--by", "content"]).rpcArguments
                == ["RECOMMEND", "u1", "COUNT", "10", "WITHSCORES", "BY", "content", "WITHMETA"])
        #expect(
            try PredictCommand.parse(["u1", "i1", "i2", "--model", "m"]).rpcArguments
                == ["PREDICT", "u1", "i1", "i2", "MODEL", "m"])
        #expect(
            try ExplainCommand.parse(["u1", "i1", "--model", "m", "--after", "0:7"]).rpcArguments
                == ["EXPLAIN", "u1", "i1", "MODEL", "m", "AFTER", "0:7"])
        #expect(
            try ExplainCommand.parse(["u1", "i1", "--tag", "a", "--exclude", "i2"]).rpcArguments
                == ["EXPLAIN", "u1", "i1", "TAG", "a", "EXCLUDE", "i2"])
        let top = try TopCommand.parse(["--by", "-bias", "--count", "3", "--model", "m", "--tag", "a"])
        #expect(
            top.rpcArguments == [
                "TOP", "3", "BY", "-bias", "WITHSCORES", "MODEL", "m", "WITHMETA", "TAG", "a",
            ])
        #expect(top.scoreName == "bias")
        #expect(
            try TopCommand.parse(["--by", "bias", "--among", "50"]).rpcArguments
                == ["TOP", "10", "BY", "bias", "WITHSCORES", "AMONG", "50", "WITHMETA"])
        #expect(
            try TagsCommand.parse(["u1", "--recommended", "100"]).rpcArguments
                == ["TAGS", "RECOMMENDED", "u1", "COUNT", "10", "AMONG", "100"])
        #expect(
            try TopCommand.parse([]).rpcArguments == ["TOP", "10", "BY", "popular", "WITHSCORES", "WITHMETA"])
        let rate = try RateCommand.parse(["u1", "i1", "4.5", "--wait"])
        #expect(rate.rpcArguments == ["RATE", "u1", "i1", "4.5"])
        #expect(
            rate.waitArguments(token: "0:7") == ["PREDICT", "u1", "i1", "AFTER", "0:7", "TIMEOUT", "30000"])
        #expect(try StatusCommand.parse(["--digest"]).rpcArguments == ["STATUS", "DIGEST"])
        #expect(try PromoteCommand.parse(["next"]).rpcArguments == ["PROMOTE", "next"])
        #expect(try ModelsCommand.parse([]).rpcArguments == ["MODELS"])
    }

    @Test("models are a line each, with their lead and its interval, and why the default is the default")
    func models() throws {
        let answer = RESPValue.array([
            .map([
                (.text("name"), .text("stars")), (.text("learner"), .text("sgd")),
                (.text("default"), .boolean(false)), (.text("rmse"), .double(0.9)),
                (.text("rmse-means"), .double(0.95)), (.text("lead-over"), .text("likes")),
                (.text("lead-events"), .integer(40)), (.text("lead"), .double(-0.1)),
                (.text("lead-low"), .double(-0.25)), (.text("lead-high"), .double(0.05)),
                (.text("lead-events.total"), .integer(0)),
            ]),
            .map([
                (.text("name"), .text("likes")), (.text("learner"), .text("bpr")),
                (.text("default"), .boolean(true)), (.text("recall@10"), .double(0.5)),
                (.text("recall@10-popularity"), .double(0.25)), (.text("promoted-at"), .text("0:7")),
                (.text("promoted-because"), .text("PROMOTE asked for it")),
            ]),
        ])
        #expect(
            try ModelsCommand.text(answer) == """
                name   learner  default  measure    score  baseline  lead  95 %           events  lead.total  95 %  events.total
                stars  sgd               rmse       0.9    0.95      -0.1  -0.25 to 0.05  40
                likes  bpr      yes      recall@10  0.5    0.25

                likes is the default since 0:7: PROMOTE asked for it
                """)
        #expect(throws: DaemonError.self) { try ModelsCommand.text(.integer(1)) }
    }

    @Test("the socket comes from the flag, else the environment of the daemon, else the default")
    func socket() throws {
        let daemons = ["FRESHET_RPC_SOCKET": "/run/b", "FRESHET_STATE_FOLDER": "/var/c"]
        let given = try ClientOptions.parse(["--socket", "/run/a"])
        #expect(given.socketPath(environment: daemons) == "/run/a")
        let absent = try ClientOptions.parse([])
        #expect(absent.socketPath(environment: daemons) == "/run/b")
        #expect(absent.socketPath(environment: ["FRESHET_STATE_FOLDER": "/var/c"]) == "/var/c/freshet.sock")
        #expect(absent.socketPath(environment: ["FRESHET_RPC_SOCKET": ""]) == "freshet-state/freshet.sock")
    }

    @Test("the socket the daemon makes by its environment is the one the clients go to")
    func socketOfTheDaemon() throws {
        for environment in [[:], ["FRESHET_STATE_FOLDER": "/var/c"], ["FRESHET_RPC_SOCKET": "/run/b"]] {
            let daemon = try Configuration.load(file: nil, environment: environment, settings: [])
            #expect(try ClientOptions.parse([]).socketPath(environment: environment) == daemon.socketPath)
        }
    }

    @Test("a table can be had where the output is no terminal, and not both at once")
    func format() throws {
        #expect(try !ClientOptions.parse(["--table"]).prefersJSON)
        #expect(try ClientOptions.parse(["--json"]).prefersJSON)
        #expect(throws: (any Error).self) { try ClientOptions.parse(["--json", "--table"]) }
    }

    @Test("a daemon that does not run is exit code 69")
    func noDaemon() throws {
        let options = try ClientOptions.parse(["--socket", "/tmp/fr-nobody-here"])
        let code = #expect(throws: ExitCode.self) { try options.withClient { _ in } }
        #expect(code == ExitCode(69))
    }

    @Test("items become a table with ranks, titles and scores, and JSON with the same")
    func itemList() throws {
        var list = try ItemList(
            alternating: .array([.text("i1"), .double(0.91), .text("item-2"), .double(0.123456)]))
        list.entries[0].title = "Toy Story (1995)"
        #expect(
            list.table(scoreName: "score") == """
                rank  item    title              score
                   1  i1      Toy Story (1995)    0.91
                   2  item-2                    0.1235
                """)
        #expect(
            try list.json(scoreName: "score")
                == #"[{"item":"i1","rank":1,"score":0.91,"tags":[],"title":"Toy Story (1995)"},"#
                + #"{"item":"item-2","rank":2,"score":0.123456,"tags":[],"title":null}]"#)
        list.entries[1].tags = ["Comedy", "1995"]
        #expect(
            list.table(scoreName: "score") == """
                rank  item    title             tags           score
                   1  i1      Toy Story (1995)                  0.91
                   2  item-2                    Comedy, 1995  0.1235
                """)
        #expect(throws: DaemonError.self) { try ItemList(alternating: .array([.text("i1")])) }
        #expect(throws: DaemonError.self) { try ItemList(items: ["i1"], answer: .array([])) }
    }

    @Test("status and checkpoint print a line each")
    func status() throws {
        let status = RESPValue.map([
            (.text("events.applied"), .integer(7)), (.text("events.rate"), .null),
            (.text("log.reachable"), .boolean(true)),
        ])
        #expect(
            try StatusCommand.text(status)
                == "name            value\nevents.applied  7\nevents.rate     -\n\nlog.reachable   yes")
        #expect(
            try JSONText.line(status) == #"{"events.applied":7,"events.rate":null,"log.reachable":true}"#)
        let positions = RESPValue.map([(.text("0"), .integer(70))])
        #expect(try CheckpointNowCommand.text(positions) == "partition  next offset\n        0           70")
    }

    @Test("an explanation as JSON is the answer with user, item and title")
    func explanation() throws {
        let answer = RESPValue.map([
            (.text("model"), .text("stars")), (.text("score"), .double(4.25)), (.text("rank"), .null),
            (.text("recommended"), .boolean(false)),
            (.text("why-not"), .array([.text("seen"), .text("rank")])), (.text("seen-ts"), .integer(1000)),
            (
                .text("carried-by"),
                .array([
                    .map([
                        (.text("item"), .text("i9")), (.text("title"), .null),
                        (.text("similarity"), .double(0.71)), (.text("value"), .double(5)),
                    ])
                ])
            ),
        ])
        let whole = try ExplainCommand.described(answer, user: "u1", item: "i1", title: .text("One\u{1B}[2J"))
        #expect(
            try JSONText.line(whole)
                == #"{"carried-by":[{"item":"i9","similarity":0.71,"title":null,"value":5}],"item":"i1","#
                + #""model":"stars","rank":null,"recommended":false,"score":4.25,"seen-ts":1000,"#
                + #""title":"One\u001b[2J","user":"u1","why-not":["seen","rank"]}"#)
        #expect(throws: DaemonError.self) {
            try ExplainCommand.described(.null, user: "u1", item: "i1", title: nil)
        }
    }

    @Test("checkpoint alone means checkpoint now, and every client is offered by the root command")
    func commands() throws {
        #expect(try CheckpointCommand.parseAsRoot([]) is CheckpointNowCommand)
        let offered = Freshet.configuration.groupedSubcommands.flatMap(\.subcommands)
            .compactMap { $0.configuration.commandName }
        for name in [
            "recommend", "similar", "similar-users", "predict", "explain", "top", "rate", "hide", "unhide",
            "status", "checkpoint",
        ] {
            #expect(offered.contains(name))
        }
    }

    @Test("a client with nothing said finds the daemon of this folder, else the installed service")
    func socketPlaces() throws {
        let options = try ClientOptions.parse([])
        let installed = ClientOptions.socketInstalled
        #expect(options.socketPath(environment: [:], exists: { _ in false }) == ClientOptions.socketDefault)
        #expect(options.socketPath(environment: [:], exists: { _ in true }) == ClientOptions.socketDefault)
        #expect(options.socketPath(environment: [:], exists: { $0 == installed }) == installed)
        let named = ["FRESHET_STATE_FOLDER": "/x"]
        #expect(options.socketPath(environment: named, exists: { $0 == installed }) == "/x/freshet.sock")
    }
}

@Suite("what two daemons tell each other")
struct LearnedPartitionsTests {
    @Test("the partitions that are learned go over as they are; a daemon of an earlier version tells none")
    func payload() {
        let status = ["lag.3", "lag.0", "lag.total", "position.1"].map { StatusField($0, .integer(1)) }
        let learned = LearnedPartitions(status)
        #expect(learned.partitions == [0, 3])
        #expect(learned.payload == Array("0 3".utf8))
        #expect(LearnedPartitions(learned.payload) == learned)
        #expect(LearnedPartitions([UInt8]()).partitions.isEmpty)
    }
}
