import Foundation
import RPC
import TestSupport
import Testing

/// What the commands make of files as people have them, by the exit code.
@Suite("files from elsewhere", .serialized, .ownThread)
struct FileFormTests {
    private static let rows = (1...40).map { "u\($0 % 5),i\($0 % 8),\($0 % 5 + 1),17000000\($0 + 10)\n" }
        .joined()
    private static let ratings = "user,item,rating,ts\n" + rows

    @Test(
        "feed, train and evaluate end with 2 where lines were passed over, with 0 if lenient, with 65 where all were"
    )
    func exitCodes() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let good = try file("good.csv", Self.ratings, place)
        let mixed = try file("mixed.csv", Self.ratings + "broken\n", place)
        let broken = try file("broken.csv", "user,item,rating\nbroken\n", place)
        let empty = try file("empty.csv", "", place)
        let commands: [(name: String, arguments: (String) -> [String])] = [
            ("feed", { ["feed", $0, "--socket", place.socket] }),
            (
                "train",
                { [name = place.folder.path("t.sqlite")] in
                    ["train", "--input", $0, "--output", name, "--force", "--factors", "8", "--epochs", "1"]
                }
            ),
            ("evaluate", { ["evaluate", "--input", $0, "--algorithm", "sgd:epochs=1", "--bootstrap", "0"] }),
        ]
        for (name, arguments) in commands {
            let ends = try [good, mixed, broken, empty].map {
                try FreshetBinary.run(arguments($0), in: place.folder)
            }
            #expect(ends.map(\.ending) == [.exit(0), .exit(2), .exit(65), .exit(65)], "\(name)")
            #expect(ends[1].errors.contains("mixed.csv:42: has 1 columns, the header has 4"), "\(name)")
            let lenient = try FreshetBinary.run(arguments(mixed) + ["--lenient"], in: place.folder)
            #expect(lenient.ending == .exit(0), "\(name)")
        }
        try daemon.waitUntilApplied(120)
    }

    @Test("a file of mapped columns reaches a daemon that knows nothing of the mapping, and one that has it")
    func mapped() throws {
        let mapping = ["user=user_id", "item=item_id", "rating=stars", "ts=when"].map {
            "events.fields.\($0)"
        }
        let text = "user_id,item_id,stars,when\nana,tea,5,1700000000000\nben,rum,3,1700000001\n"
        for settings in [[], mapping + ["events.ts-unit=s"]] {
            let host = try KafkaHost()
            let place = try DaemonPlace()
            let source = try file("mapped.csv", text, place)
            let daemon = try place.start(host.settings + settings)
            let (ending, _, errors) = try FreshetBinary.run(
                ["feed", source, "--to", "kafka", "--brokers", host.kafka.bootstrap, "--topic", host.topic]
                    + mapping.flatMap { ["--set", $0] }, in: place.folder)
            #expect(ending == .exit(0), "\(errors)")
            try daemon.waitUntilApplied(2)
            _ = try daemon.token("RATE", "ana", "gin", "4", "TS", "1700000002")
            try daemon.waitUntilApplied(3)
            #expect(try daemon.status()["events.dead-letters"] == 0)
            #expect(try daemon.stop() == .exit(0))
        }
    }

    @Test("a feed from standard input outlives a restart of the daemon")
    func restart() throws {
        let place = try DaemonPlace()
        var daemon = try place.start()
        let (fifo, errors) = (place.folder.path("pipe"), place.folder.path("feed.err"))
        let script = "\"$0\" feed - --socket \"$1\" < \"$2\""
        guard mkfifo(fifo, 0o600) == 0 else { throw TestFailure("no FIFO at \(fifo)") }
        let feed = try ChildProcess(
            ["/bin/sh", "-c", script, FreshetBinary.path(), place.socket, fifo],
            output: place.folder.path("feed.out"), errors: errors)
        let pipe = try FileHandle(forWritingTo: URL(filePath: fifo))
        func write(_ user: String) throws {
            try pipe.write(contentsOf: Data("{\"user\":\"\(user)\",\"item\":\"tea\",\"rating\":4}\n".utf8))
        }
        try write("a")
        try daemon.waitUntilApplied(1)
        #expect(try daemon.stop() == .exit(0))
        try write("b")
        try eventually("feed waits") {
            try FreshetBinary.text(of: errors).contains("waiting for it to come back")
        }
        daemon = try place.start()
        try write("c")
        try pipe.close()
        #expect(try feed.wait() == .exit(0))
        try daemon.waitUntil("all three are learned") { $0["events.applied"] == 3 }
        #expect(try daemon.stop() == .exit(0))
    }

    private func file(_ name: String, _ text: String, _ place: DaemonPlace) throws -> String {
        let path = place.folder.path(name)
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }
}
