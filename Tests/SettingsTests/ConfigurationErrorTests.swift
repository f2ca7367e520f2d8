import Foundation
import Testing

@testable import Settings

@Suite("What is wrong with a configuration")
struct ConfigurationErrorTests {
    @Test("an unknown key is named with the nearest known one and its line")
    func unknownKey() throws {
        let problems = try problems("engine:\n  seed: 1\n  factor: 8\n")
        let problem = try #require(problems.first)
        #expect(problems.count == 1)
        #expect(problem.key == "engine.factor")
        #expect(problem.message == "unknown key; did you mean engine.factors?")
        guard case .file(let path, 3) = problem.origin else {
            Issue.record("origin is \(problem.origin)")
            return
        }
        #expect(problem.description.hasPrefix("\(path):3: engine.factor: "))
    }

    @Test(
        "TCP without TLS is listened on where nobody else is, or where it is said that others may listen in",
        arguments: [
            ("127.0.0.1:7379", "loopback", true), ("[::1]:7379", "loopback", true),
            ("10.0.0.1:7379", "loopback", false), ("10.0.0.1:7379", "private", true),
            ("0.0.0.0:7379", "private", false), ("8.8.8.8:7379", "private", false), ("", "loopback", true),
            ("localhost:7379", "loopback", false),
        ])
    func plainNetworks(listen: String, networks: String, isAllowed: Bool) throws {
        let settings = ["rpc.listen=\(listen)", "rpc.plain-networks=\(networks)"]
        guard !isAllowed else {
            _ = try Configuration.load(file: nil, environment: [:], settings: settings)
            return
        }
        let problems = try problems("", [:], settings: settings)
        #expect(problems.map(\.key) == ["rpc.listen"])
        #expect(problems.first?.message.contains("without TLS: set rpc.tls.certificate") == true)
    }

    @Test("with a certificate the RPC is listened on everywhere; what does not go together is named")
    func security() throws {
        let listening = ["rpc.listen=0.0.0.0:7379"]
        let pair = ["rpc.tls.certificate=/etc/c.pem", "rpc.tls.key=/etc/c.key"]
        _ = try Configuration.load(file: nil, environment: [:], settings: listening + pair)
        for (settings, key) in [
            ([pair[0]], "rpc.tls.certificate"), ([pair[1]], "rpc.tls.certificate"),
            (["rpc.tls.client-ca=/etc/ca.pem"], "rpc.tls.client-ca"),
            (["http.tls.key=/etc/c.key"], "http.tls.certificate"),
            (["http.tls.client-ca=/etc/ca.pem"], "http.tls.client-ca"),
        ] {
            #expect(try problems("", [:], settings: settings).map(\.key) == [key])
        }
    }

    @Test("daemons of a cluster that are asked over TCP need a name to come in at each other by")
    func clusterOverTCP() throws {
        let listening = ["source.kind=kafka", "cluster.enabled=true", "rpc.listen=127.0.0.1:7379"]
        #expect(try problems("", [:], settings: listening).map(\.key) == ["cluster.user"])
        #expect(
            try problems("", [:], settings: listening + ["cluster.user=peer"]).map(\.key) == ["cluster.user"])
        for fine in [
            ["cluster.forward=false"], ["cluster.address=/run/f.sock"],
            ["cluster.user=peer", "cluster.password-file=/etc/p"],
        ] {
            _ = try Configuration.load(file: nil, environment: [:], settings: listening + fine)
        }
    }

    @Test(
        "what daemons of a cluster cannot do is refused with the key, and what is allowed",
        arguments: [
            ("source.kind=embedded", "source.kind", "kafka"),
            ("memory.limit=1GB", "memory.limit", "memory.limit 0"),
            ("engine.deterministic=true", "engine.deterministic", "false"),
            ("models={old: {learner: als}}", "models", "not of the learner als"),
        ])
    func cluster(setting: String, key: String, words: String) throws {
        let found = try problems(
            "", [:], settings: ["source.kind=kafka", "cluster.enabled=true", setting])
        #expect(found.contains { $0.key == "cluster.enabled" })
        let text = found.map(\.description).joined()
        #expect(text.contains(key) && text.contains(words) && text.contains("true"), "\(text)")
    }

    @Test(
        "an instance-id that no broker would take is refused with what is allowed",
        arguments: [".", "..", "two words", "a/b", String(repeating: "x", count: 250)])
    func instanceID(id: String) throws {
        let found = try problems("", [:], settings: ["source.kafka.instance-id=\(id)"])
        #expect(found.map(\.key) == ["source.kafka.instance-id"])
        #expect(found.allSatisfy { $0.description.contains("auto") && $0.description.contains("249") })
    }

    @Test("a secret is in no message, whatever is wrong with it")
    func secrets() throws {
        let all =
            try problems(
                "rpc: {password: [planted]}\nsource: {kafka: {properties: {x: [planted]}}}", [:],
                settings: [
                    "http.token=planted one", "rpc.pasword=planted", "source.kafka.properties=planted: [",
                ])
            + problems("rpc:\n  password: {planted: [")
        #expect(all.count >= 5)
        for problem in all { #expect(!problem.description.contains("planted"), "\(problem)") }
    }

    @Test(
        "what is far from every key by its spelling is taken for none of them",
        arguments: ["foo.bar=1", "x=1", "source.brokers=b:9092", "engine=5", "event=1"])
    func unlikeEveryKey(setting: String) throws {
        #expect(try problems(settings: [setting]).map(\.message) == ["unknown key"])
    }

    @Test(
        "a mistyped name is told the nearest key, in a file a section too",
        arguments: [
            ("event: {rating-min: 1}", "events"), ("model: {}", "models"),
            ("sources: {kind: kafka}", "source"),
            ("source: {kafak: {topic: t}}", "source.kafka"), ("engine: {sede: 1}", "engine.seed"),
            ("http: {lisen: auto}", "http.listen"),
        ])
    func nearestName(yaml: String, name: String) throws {
        #expect(try problems(yaml).map(\.message) == ["unknown key; did you mean \(name)?"])
    }

    @Test("an unknown section is reported once, not key by key")
    func unknownSection() throws {
        let problems = try problems("kafka:\n  brokers: x\n  topic: y\n")
        #expect(problems.map(\.key) == ["kafka"])
    }

    @Test("an unknown environment variable is named, those of Kubernetes and of tests are not")
    func unknownVariable() throws {
        let environment = [
            "FRESHET_ENGINE_SEEDS": "1", "FRESHET_SERVICE_HOST": "10.0.0.1", "FRESHET_PORT_6379_TCP": "x",
            "FRESHET_TEST_KAFKA": "localhost",
        ]
        let problems = try problems("", environment)
        #expect(
            problems.map(\.description) == [
                "environment variable FRESHET_ENGINE_SEEDS: no key has this name; did you mean FRESHET_ENGINE_SEED?"
            ])
    }

    @Test("all problems come at once, each with key, value, what is allowed and where it stands")
    func allAtOnce() throws {
        let problems = try problems(
            "engine:\n  factors: 65\nrpc:\n  threads: many\n", ["FRESHET_LOG_LEVEL": "loud"],
            settings: ["engine.shards=65", "nonsense"])
        #expect(problems.map(\.key) == ["engine.factors", "rpc.threads", "log.level", "engine.shards", nil])
        #expect(
            problems.map(\.message) == [
                "found 65, allowed is an integer from 8 to 512, a multiple of 8",
                "found many, allowed is an integer from 1 to 64",
                "found loud, allowed is trace, debug, info, notice, warning, error",
                "found 65, allowed is an integer from 0 to 64",
                "allowed is key=value",
            ])
        #expect(problems[2].origin == .environment(variable: "FRESHET_LOG_LEVEL"))
        #expect(problems[3].origin == .flag("engine.shards=65"))
    }

    @Test(
        "an impossible value is refused",
        arguments: [
            "engine.factors=0", "engine.factors=520", "engine.factors=8.0", "engine.factors=",
            "engine.seed=-1",
            "engine.deterministic=yes", "engine.norm-max=NaN", "engine.norm-max=inf", "engine.norm-max=0",
            "state.folder=", "source.kind=redis", "source.on-gap=ignore", "source.kafka.topic=a b",
            "source.kafka.topic=..", "source.kafka.start=yesterday", "source.kafka.start=-5",
            "events.fields.user=", "events.signals.click=much", "events.signals=[click]", "models=7",
            "models={}",
            "models={Stars: {learner: sgd}}", "models.likes.positive=rating < 3", "models.likes.factors=8",
            "models={a: {learning-rate: 1}}", "models.stars.learner=svd",
            "models.likes.rate-schedule=inverse-time",
            "models.likes.negatives=popularity^0", "models.likes.margin=1", "models.stars.alpha=1",
            "models={a: {learner: als, samples: 3}}", "models={a: {learner: warp, max-sampled: 0}}",
            "trending.half-life-events=20000", "popularity.half-life-events=-1", "models.stars.samples=3",
            "models.likes.learning-rate=0", "default-model=none", "checkpoint.every-seconds=0", "engine=5",
        ])
    func impossible(setting: String) throws {
        #expect(try problems(settings: [setting]).count == 1)
    }

    @Test("what contradicts itself over several keys is found")
    func together() throws {
        let range = try problems("events:\n  rating-min: 5\n  rating-max: 5\n")
        #expect(range.map(\.key) == ["events.rating-min"])
        let fields = try problems(settings: ["events.fields.item=user"])
        #expect(
            fields.map(\.message) == ["found user, which events.fields.user has already; no two may be alike"]
        )
        let models = try problems("models: {a: {learner: sgd}}")
        #expect(models.map(\.message) == ["found blend, allowed is a or best"])
    }

    @Test("a setting of a model is reported with its own line")
    func modelLines() throws {
        let problems = try problems(
            "models:\n  likes:\n    learner: bpr\n    positive: maybe\n    color: red\n")
        #expect(problems.map(\.key) == ["models.likes.positive", "models.likes.color"])
        let lines = problems.map { problem -> Int? in
            guard case .file(_, let line) = problem.origin else { return nil }
            return line
        }
        #expect(lines == [4, 5])
    }

    @Test("a file that is missing, no YAML, or gives a key twice is refused")
    func files() throws {
        #expect(try problems("engine: [").count == 1)
        #expect(try problems("engine: {seed: 1, seed: 2}").count == 1)
        #expect(try problems("- a\n- b").count == 1)
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(file: "/nonexistent/freshet.yaml", environment: [:], settings: [])
        }
        #expect(
            error?.problems.map(\.description) == [
                "/nonexistent/freshet.yaml: cannot read the configuration file: No such file or directory"
            ])
    }

    @Test(
        "a file that is no text is said to be none",
        arguments: [
            ([0x7F, 0x45, 0x4C, 0x46, 0x02, 0xE9, 0xFF, 0x00], "it is not UTF-8 text, and so not YAML"),
            ([0x65, 0x6E, 0xE9, 0x3A, 0x20, 0x31], "it is not UTF-8 text, and so not YAML"),
            ([0x61, 0x3A, 0x20, 0x00, 0x01], "not YAML: it has characters that no text has"),
        ] as [([UInt8], String)])
    func binary(bytes: [UInt8], words: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString).yaml")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(file: file.path, environment: [:], settings: [])
        }
        let message = try #require(error?.problems.first?.message)
        #expect(error?.problems.count == 1)
        #expect(message.hasSuffix(words) && !message.contains("Success"), "\(message)")
    }

    private func problems(
        _ yaml: String? = nil, _ environment: [String: String] = [:], settings: [String] = []
    ) throws -> [ConfigurationProblem] {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try load(yaml, environment, settings: settings)
        }
        return try #require(error).problems
    }
}
