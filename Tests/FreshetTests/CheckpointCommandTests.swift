import ArgumentParser
import Checkpoints
import Foundation
import Generations
import Reporting
import Settings
import TestSupport
import Testing

@testable import freshet

@Suite("what commands on files of the state say")
struct CheckpointCommandTests {
    @Test("a folder that is not there is refused, and is not one without generations")
    func missingFolder() throws {
        let folder = Folder()
        let there = try GenerationPlace.parse(["--folder", folder.path])
        try there.requireFolder()
        #expect(there.generations.all.isEmpty)
        _ = FileManager.default.createFile(atPath: folder.path + "/file", contents: nil)
        for typo in [folder.path + "/typo", folder.path + "/file"] {
            let place = try GenerationPlace.parse(["--folder", typo])
            let refusal = #expect(throws: CommandError.self) { try place.requireFolder() }
            #expect(refusal?.code == .data)
            #expect(refusal?.message == "there is no folder '\(typo)'; name it by --folder")
            let list = try CheckpointListCommand.parse(["--folder", typo])
            #expect(throws: ExitCode(65)) { try list.run() }
            #expect(throws: CommandError.self) { _ = try place.generation("newest") }
        }
    }

    @Test("what may not be read ends with a code of its own, whatever looks at it")
    func codes() {
        let unreadable = CommandError(looking: StateError(.unreadable, "words"))
        #expect(unreadable.code.rawValue == 66 && unreadable.message == "words")
        #expect(CheckpointRestoreCommand.code(of: StateError(.unreadable, "")) == .cannotRead)
        for code in [StateError.Code.damaged, .notAState, .mismatch, .newerSchema] {
            #expect(CommandError(looking: StateError(code, "")).code == .data)
        }
        #expect(ServeCommand.code(of: StateError(.unreadable, "")) == 73)
    }

    @Test("the examples of promote name a model that the shipped configuration has")
    func promoteExamples() throws {
        let models = Configuration().models.map(\.name)
        let readme = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        let help = PromoteCommand.configuration.discussion
        for (place, mark, end) in [
            (help, "freshet promote ", "\n"), (text, #""type":"promote","model":""#, "\""),
            (text, "\n`PROMOTE ", "`"),
        ] {
            let parts = place.components(separatedBy: mark).dropFirst()
            #expect(!parts.isEmpty, "\(mark)")
            for part in parts {
                let name = try #require(part.components(separatedBy: end).first)
                #expect(models.contains(name), "\(mark)\(name)")
            }
        }
    }
}
