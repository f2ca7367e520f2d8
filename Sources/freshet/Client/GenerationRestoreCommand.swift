import ArgumentParser
import Checkpoints
import Foundation
import Generations
import Reporting

struct CheckpointRestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Goes back to an earlier copy of the state. The daemon has to be stopped.",
        discussion: """
            The copy is looked at row by row before it takes the state's place. A state that is whole is kept as a copy \
            itself, so that there is a way back; a damaged one is moved aside to state.damaged.sqlite, which FORGET does not \
            reach: remove it once it has been looked at. The daemon then learns from the log what came after.

            EXAMPLES
              systemctl stop freshet
              freshet checkpoint restore newest --folder /var/lib/freshet
              systemctl start freshet
              freshet checkpoint restore 2026-11-26T105000Z-40300

            EXIT CODES
              0 restored     65 no such copy, or it is damaged, or the log has lost what came after
              66 the copy may not be read     73 it cannot be written     75 a daemon is running
            """)

    @OptionGroup var place: GenerationPlace

    @Argument(
        help:
            "The name of a generation, as freshet checkpoint list tells it, or newest: the newest that is whole."
    )
    var name: String

    @Flag(help: "Also where the embedded log no longer holds all that came after: it is lost then.")
    var anyway = false

    private struct Answer: Encodable {
        var restored: String
        var positions: [String: Int64]
        var kept: String?
        var damagedAt: String?
    }

    func run() throws {
        do {
            let restored = try restore()
            guard !place.json else {
                return Terminal.write(
                    try GenerationJSON.line(
                        Answer(
                            restored: restored.name,
                            positions: Dictionary(
                                uniqueKeysWithValues: restored.positions.map { (String($0.key), $0.value) }),
                            kept: restored.kept, damagedAt: restored.damagedAt)))
            }
            Terminal.write(Self.text(restored))
        } catch let error as CommandError {
            throw error.report()
        } catch let error as StateError {
            throw CommandError(error.message, code: Self.code(of: error)).report()
        }
    }

    private func restore() throws -> GenerationRestored {
        try place.requireFolder()
        // A daemon holds it for as long as it runs.
        let lock = try FolderLock(folder: place.stateFolder)
        defer { withExtendedLifetime(lock) {} }
        let generation =
            name == "newest" ? try newestWhole() : try place.generation(name)
        let positions = try StateFile.summary(path: generation.path).positions
        if let missing = place.missingEvents(after: positions), !anyway {
            throw CommandError(
                "the embedded log no longer holds \(missing) events that came after \(generation.name) "
                    + "(source.embedded.retain-events), so the daemon would not start on it. Take a newer one, or say --anyway and "
                    + "start it with source.on-gap: skip; those events are lost then", code: .data)
        }
        return try place.generations.restore(generation)
    }

    private func newestWhole() throws(CommandError) -> Generation {
        if let found = place.generations.newestWhole { return found }
        throw CommandError("'\(place.generations.path)' has no generation that is whole", code: .data)
    }

    static func text(_ restored: GenerationRestored) -> String {
        var lines = [
            "restored \(restored.name), at \(GenerationPlace.text(restored.positions)); start the daemon, and it learns what came after from the log"
        ]
        if let kept = restored.kept { lines.append("the state that was there is generation \(kept) now") }
        if let path = restored.damagedAt {
            lines.append(
                "the damaged state is at '\(path)': remove it once it has been looked at, for FORGET does not reach it"
            )
        }
        return lines.joined(separator: "\n")
    }

    static func code(of error: StateError) -> CommandError.Code {
        switch error.code {
        case .damaged, .newerSchema, .notAState, .mismatch: .data
        case .unreadable: .cannotRead
        case .unwritable, .full: .cannotCreate
        case .locked: .inUse
        }
    }
}
