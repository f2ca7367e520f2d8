import EventLog
import Foundation
import TestSupport
import Testing

@testable import Settings

@Suite("the id by which a consumer group knows a daemon again")
struct GroupInstanceTests {
    @Test("auto makes one that stays with the folder, and a copy of the folder gets another")
    func auto() throws {
        let (folder, copy) = (Folder(), Folder())
        let id = try #require(try instance(in: folder))
        #expect(id.hasPrefix("freshet-"))
        #expect(try instance(in: folder) == id)
        #expect(try instance(in: copy) != id)
        try FileManager.default.removeItem(atPath: copy.path + "/instance-id")
        try FileManager.default.copyItem(
            atPath: folder.path + "/instance-id", toPath: copy.path + "/instance-id")
        let other = try instance(in: copy)
        #expect(other != id && other != nil)
        #expect(try instance(in: copy) == other)
        #expect(try instance(in: folder) == id)
    }

    @Test("a file that makes no sense is written anew", arguments: ["", "freshet-1", "a b c", "../x 1"])
    func damaged(text: String) throws {
        let folder = Folder()
        try text.write(toFile: folder.path + "/instance-id", atomically: false, encoding: .utf8)
        let id = try instance(in: folder)
        #expect(id?.hasPrefix("freshet-") == true && id != "freshet-1")
        #expect(try instance(in: folder) == id)
    }

    @Test("one that is given is taken as it is; nothing, and an embedded log, want none")
    func given() throws {
        let folder = Folder()
        #expect(try instance(in: folder, "source.kafka.instance-id=shop-1.a_b") == "shop-1.a_b")
        #expect(try instance(in: folder, "source.kafka.instance-id=") == nil)
        #expect(try instance(in: folder, "source.kind=embedded", "cluster.enabled=false") == nil)
        // Alone it has to see partitions that a topic gains, and a leader that was known again sees none.
        #expect(try instance(in: folder, "cluster.enabled=false") == nil)
        #expect(
            try instance(in: folder, "cluster.enabled=false", "source.kafka.instance-id=shop-1") == "shop-1")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/instance-id"))
    }

    @Test("a folder that cannot be written is named, with the key")
    func unwritable() throws {
        var configuration = try Configuration.load(
            file: nil, environment: [:], settings: ["source.kind=kafka", "cluster.enabled=true"])
        configuration.state.folder = "/dev/null/x"
        let error = try #require(throws: EventLogError.self) { _ = try configuration.groupInstance() }
        #expect(
            error.message.contains("/dev/null/x/instance-id") && error.message.contains("instance-id: auto"))
    }

    private func instance(in folder: Folder, _ settings: String...) throws -> String? {
        try Configuration.load(
            file: nil, environment: [:],
            settings: ["source.kind=kafka", "cluster.enabled=true", "state.folder=\(folder.path)"] + settings
        ).groupInstance()
    }
}
