import Foundation
import TestSupport
import Testing

/// What `freshet train` does with input and places that are not as they should be.
@Suite("training on bad input", .serialized, .ownThread)
struct TrainRefusalTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private var output: String { folder.path("s/state.sqlite") }

    private func train(
        _ text: String, _ arguments: [String] = [], name: String = "e.jsonl"
    ) throws -> (ending: Ending, output: String, errors: String) {
        let file = folder.path(name)
        try Data(text.utf8).write(to: URL(filePath: file))
        return try FreshetBinary.run(
            ["train", "--factors", "8", "--epochs", "3", "--input", file, "--output", output] + arguments,
            in: folder)
    }

    private func ratings(_ users: Int, _ items: Int, value: (Int, Int) -> Int = { 1 + ($0 + $1) % 5 })
        -> String
    {
        (0..<users * items).map { number in
            let (user, item) = (number / items, number % items)
            return #"{"user":"u\#(user)","item":"i\#(item)","rating":\#(value(user, item)),"ts":\#(number)}"#
                + "\n"
        }.joined()
    }

    private var isWritten: Bool { FileManager.default.fileExists(atPath: output) }

    /// Nothing half-made either.
    private var leftovers: [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path("s"))) ?? []
        return all.filter { $0 != "lock" }
    }

    @Test("no events at all: 65, and nothing is written", arguments: ["", "\n\n", "nonsense\n"])
    func nothing(_ text: String) throws {
        let result = try train(text)
        #expect(result.ending == .exit(65), "\(result.errors)")
        #expect(result.errors.contains("no events"))
        #expect(leftovers.isEmpty)
    }

    @Test("nothing that any model learns from: 65")
    func nothingLiked() throws {
        let result = try train(ratings(3, 3) { _, _ in 1 }, ["--algorithm", "bpr"])
        #expect(result.ending == .exit(65), "\(result.errors)")
        #expect(result.errors.contains("positive"))
        #expect(leftovers.isEmpty)
    }

    @Test(
        "one user, one item, equal ratings, more factors than data: a state that is served without a NaN",
        arguments: ["one", "user", "item", "equal"])
    func small(_ kind: String) throws {
        let text =
            switch kind {
            case "one": ratings(1, 1) { _, _ in 5 }
            case "user": ratings(1, 30)
            case "item": ratings(30, 1)
            default: ratings(10, 10) { _, _ in 4 }
            }
        let algorithms = TrainTests.learners.flatMap { ["--algorithm", $0] }
        let result = try train(text, algorithms + ["--factors", "64"])
        #expect(result.ending == .exit(0), "\(result.errors)")
        let verify = try FreshetBinary.run(["checkpoint", "verify", output], in: folder)
        #expect(verify.ending == .exit(0), "\(verify.output)")
    }

    @Test("a learning rate that diverges stops the training with advice, and nothing is written")
    func diverging() throws {
        let result = try train(ratings(30, 30), ["--algorithm", "sgd:learning-rate=1,bias-learning-rate=1"])
        #expect(result.ending == .exit(1))
        #expect(result.errors.contains("lower the learning rate"), "\(result.errors)")
        #expect(leftovers.isEmpty)
    }

    @Test("a file that ends in mid-line: whole lines are used, the tail is named")
    func midLine() throws {
        let result = try train(ratings(5, 5) + #"{"user":"u1","it"#, ["--algorithm", "sgd", "--json"])
        #expect(result.ending == .exit(2), "\(result.errors)")
        #expect(result.errors.contains("e.jsonl:26:"))
        #expect(result.errors.contains("no line break"))
        #expect(result.output.contains(#""events" : 25"#), "\(result.output)")
        #expect(result.output.contains(#""bad" : 1"#))
    }

    @Test("malformed lines are named and counted; --strict stops at the first")
    func malformed() throws {
        let text = ratings(5, 5) + String(repeating: "{\"user\":\"u\"}\n", count: 30)
        let result = try train(text, ["--algorithm", "sgd", "--json"])
        #expect(result.ending == .exit(2), "\(result.errors)")
        #expect(result.errors.contains("e.jsonl:26:") && result.errors.contains("e.jsonl:35:"))
        #expect(!result.errors.contains("e.jsonl:36:"))
        #expect(result.output.contains(#""bad" : 30"#))
        let strict = try train(text, ["--algorithm", "sgd", "--strict", "--force"])
        #expect(strict.ending == .exit(65))
        #expect(strict.errors.contains("e.jsonl:26:"))
    }

    @Test("times going backwards: CSV is put in order, JSONL is taken as it comes and that is said")
    func backwards() throws {
        let jsonl = try train(ratings(2, 5) + ratings(3, 5), ["--algorithm", "sgd", "--json"])
        #expect(jsonl.output.contains(#""backwards" : 1"#), "\(jsonl.output)\(jsonl.errors)")
        let csv = "user,item,rating,ts\na,x,5,2000\na,y,3,1000\nb,x,4,1500\n"
        let sorted = try train(csv, ["--algorithm", "sgd", "--json", "--force"], name: "e.csv")
        #expect(sorted.output.contains(#""backwards" : 0"#), "\(sorted.output)\(sorted.errors)")
        let unsorted = try train(
            csv, ["--algorithm", "sgd", "--json", "--force", "--no-sort"], name: "e.csv")
        #expect(unsorted.output.contains(#""backwards" : 1"#), "\(unsorted.output)\(unsorted.errors)")
    }

    @Test("duplicates are learned once")
    func duplicates() throws {
        let line = #"{"user":"a","item":"x","rating":5,"ts":1}"# + "\n"
        let result = try train(line + line + ratings(4, 4), ["--algorithm", "sgd", "--json"])
        #expect(result.output.contains(#""events.duplicates" : 1"#), "\(result.output)\(result.errors)")
        #expect(result.output.contains(#""interactions" : 17"#))
    }

    @Test("a state that is there stays, unless --force replaces it")
    func existing() throws {
        #expect(try train(ratings(4, 4), ["--algorithm", "sgd"]).ending == .exit(0))
        let before = try Data(contentsOf: URL(filePath: output))
        let refused = try train(ratings(5, 5), ["--algorithm", "sgd"])
        #expect(refused.ending == .exit(73))
        #expect(refused.errors.contains("--force"))
        #expect(try Data(contentsOf: URL(filePath: output)) == before)
        #expect(try train(ratings(5, 5), ["--algorithm", "sgd", "--force"]).ending == .exit(0))
        #expect(try Data(contentsOf: URL(filePath: output)) != before)
        #expect(leftovers == ["state.sqlite"])
    }

    @Test("a file that is no state is not replaced, even with --force")
    func foreign() throws {
        let file = folder.path("precious.csv")
        try Data(String(repeating: "precious\n", count: 100).utf8).write(to: URL(filePath: file))
        try Data(ratings(2, 2).utf8).write(to: URL(filePath: folder.path("e.jsonl")))
        let result = try FreshetBinary.run(
            ["train", "--input", folder.path("e.jsonl"), "--output", file, "--force"], in: folder)
        #expect(result.ending == .exit(73))
        #expect(try FreshetBinary.text(of: file).hasPrefix("precious"))
    }

    @Test("the folder of a running daemon is refused with 75")
    func inUse() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let file = place.folder.path("e.jsonl")
        try Data(ratings(2, 2).utf8).write(to: URL(filePath: file))
        let result = try FreshetBinary.run(
            ["train", "--input", file, "--output", place.stateFile, "--force"], in: place.folder)
        #expect(result.ending == .exit(75), "\(result.errors)")
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("Ctrl-C ends with the epoch, and nothing is written")
    func interrupted() throws {
        let file = folder.path("e.jsonl")
        try Data(ratings(100, 50).utf8).write(to: URL(filePath: file))
        let errors = folder.path("err")
        let child = try ChildProcess(
            [
                try FreshetBinary.path(), "train", "--input", file, "--output", output, "--algorithm", "sgd",
                "--epochs", "100000", "--validation-fraction", "0", "--factors", "8",
            ], output: folder.path("out"), errors: errors)
        try eventually("epochs are under way") { try FreshetBinary.text(of: errors).contains("epoch") }
        child.send(SIGINT)
        #expect(try child.wait() == .exit(1))
        #expect(try FreshetBinary.text(of: errors).contains("nothing is written"))
        #expect(leftovers.isEmpty)
    }

    @Test("a kill leaves no half-made state")
    func killed() throws {
        #expect(try train(ratings(4, 4), ["--algorithm", "sgd"]).ending == .exit(0))
        let before = try Data(contentsOf: URL(filePath: output))
        let file = folder.path("e.jsonl")
        try Data(ratings(200, 100).utf8).write(to: URL(filePath: file))
        // At moments all over reading, training and writing.
        for milliseconds in stride(from: 100, through: 1_500, by: 200) {
            let child = try ChildProcess(
                [
                    try FreshetBinary.path(), "train", "--input", file, "--output", output, "--algorithm",
                    "sgd",
                    "--epochs", "1", "--validation-fraction", "0", "--factors", "64", "--force",
                ], output: folder.path("out"), errors: folder.path("err"))
            usleep(UInt32(milliseconds) * 1_000)
            child.send(SIGKILL)
            _ = try child.wait()
            let now = try Data(contentsOf: URL(filePath: output))
            let verify = try FreshetBinary.run(["checkpoint", "verify", output], in: folder)
            #expect(verify.ending == .exit(0), "\(verify.output)")
            // Either the old one or the new one, whole.
            #expect(now == before || verify.output.contains("20000"))
        }
    }

    @Test(
        "usage that makes no sense is refused before anything is read",
        arguments: [
            ["--output", "x"], ["--output", "x", "--input", "a", "--from-log"],
            ["--output", "x", "--input", "a", "--from", "3"], ["--output", "x", "--from-log", "--to", "x"],
            ["--output", "x", "--input", "a", "--validation-fraction", "0.9"],
        ])
    func usage(_ arguments: [String]) throws {
        #expect(try FreshetBinary.run(["train"] + arguments, in: folder).ending == .exit(64))
    }

    @Test("a model or a setting that the configuration does not know: 78")
    func configuration() throws {
        for arguments in [
            ["--algorithm", "svd"], ["--algorithm", "sgd:samples=3"], ["--batch", "no.learning-rate=1"],
        ] {
            #expect(try train(ratings(2, 2), arguments).ending == .exit(78), "\(arguments)")
        }
    }
}
