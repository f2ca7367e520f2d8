import EventLog
import Foundation
import Testing
import Yams

@testable import Settings

@Suite("a configuration read again")
struct ReloadTests {
    @Test(
        "keys that may change take effect, the others keep their value and are named, with old and new values"
    )
    func parted() throws {
        let old = try load(settings: ["log.level=info", "engine.factors=32", "engine.users-max=10"])
        let new = try load(
            settings: ["log.level=debug", "engine.factors=64", "engine.users-max=20", "source.on-gap=skip"])
        let reloading = old.reloading(new)
        #expect(
            reloading.changed.map(\.description) == [
                "source.on-gap fail → skip", "engine.users-max 10 → 20", "log.level info → debug",
            ])
        #expect(reloading.needRestart.map(\.description) == ["engine.factors 32 → 64"])
        var wanted = old
        (wanted.log.level, wanted.engine.usersMax, wanted.source.onGap) = (.debug, 20, .skip)
        #expect(reloading.configuration == wanted)
    }

    @Test("what needs a restart is named again with each reload, until it is taken back")
    func again() throws {
        let old = Configuration()
        let new = try load(settings: ["engine.shards=3", "log.level=error"])
        let once = old.reloading(new)
        let twice = once.configuration.reloading(new)
        #expect(twice.changed.isEmpty)
        #expect(twice.needRestart.map(\.key) == ["engine.shards"])
        #expect(once.configuration.reloading(old).needRestart.isEmpty)
    }

    @Test("passwords and librdkafka's properties, which may hold some, are not shown")
    func secrets() throws {
        let new = try load(settings: [
            "rpc.password=open-sesame", "source.kafka.properties.sasl.password=open-sesame",
        ])
        let reloading = Configuration().reloading(new)
        let changes = reloading.changed + reloading.needRestart
        #expect(changes.map(\.key).sorted() == ["rpc.password", "source.kafka.properties"])
        #expect(!changes.contains { "\($0)".contains("sesame") })
    }

    @Test("each key's own way of taking a value over takes that value, and no other")
    func everyKey() throws {
        var other = Configuration()
        other.models = []
        for key in ConfigurationKey.all {
            var configuration = other
            key.take(Configuration(), &configuration)
            #expect(key.text(configuration) == key.defaultText, "\(key.name)")
            if key.name != "models" { #expect(configuration == other, "\(key.name)") }
        }
    }

    @Test("the sample file marks those keys that may change, and no others; so does the reference")
    func marks() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../config/freshet.yaml").standardizedFileURL.path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let root = try #require(try Yams.compose(yaml: text))
        for key in ConfigurationKey.all {
            let node = key.name.split(separator: ".").reduce(root as Node?) { $0?[String($1)] }
            // The place of a map that holds anything is that of its first entry.
            guard let line = node?.mark?.line, node?.mapping?.isEmpty ?? true else {
                #expect(key.reload == .restart, "\(key.name)")
                continue
            }
            #expect(lines[line - 1].contains("[r]") == (key.reload != .restart), "\(key.name)")
        }
        let paragraphs = ConfigurationReference.text().components(separatedBy: "\n\n")
        let level = try #require(paragraphs.first { $0.contains("log.level  (") })
        #expect(level.contains("reload   yes"))
        let factors = try #require(paragraphs.first { $0.contains("engine.factors  (") })
        #expect(factors.contains("reload   needs a restart"))
    }
}
