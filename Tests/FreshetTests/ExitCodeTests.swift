import Checkpoints
import EventLog
import Foundation
import TestSupport
import Testing

@testable import freshet

@Suite("Exit codes of serve")
struct ExitCodeTests {
    /// What the unit does not start again.
    private func prevented() throws -> Set<Int32> {
        let unit = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "deploy/freshet.service")
        let line = try String(contentsOf: unit, encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("RestartPreventExitStatus=") }
        let codes = try #require(line).drop { $0 != "=" }.dropFirst().split(separator: " ")
        return Set(codes.compactMap { Int32($0) })
    }

    @Test("systemd starts again what goes on by itself then, and leaves down what a person has to mend")
    func restarts() throws {
        let prevented = try prevented()
        #expect(prevented.count > 3)
        for code in [EventLogError.Code.gap, .otherLog, .refused, .damaged, .full, .invalid] {
            #expect(prevented.contains(ServeCommand.code(of: EventLogError(code, ""))), "\(code)")
        }
        // A daemon that the group took for dead stayed down under systemd.
        let restarted = ServeCommand.code(of: EventLogError(.mustRestart, ""))
        #expect(restarted == 74 && !prevented.contains(restarted))
    }
}
