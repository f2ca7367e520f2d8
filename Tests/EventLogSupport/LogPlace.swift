import EventLog
import Events
import Foundation
import GRDB
import Logging
import TestSupport
import Testing

enum LogKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case embedded, kafka

    var testDescription: String { rawValue }
}

/// A place that holds one log, which a test may open, close and open again.
protocol LogPlace: Sendable {
    func open() throws -> any EventLog
    func deadLetters() throws -> [DeadLetter]
}

func makePlace(_ kind: LogKind) throws -> any LogPlace {
    switch kind {
    case .embedded: try EmbeddedPlace()
    case .kafka: try KafkaPlace()
    }
}

/// Quiet, so that provoked failures do not bury the test report.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

final class EmbeddedPlace: LogPlace {
    let folder: URL
    let options: EmbeddedLogOptions

    var path: String { folder.appendingPathComponent("events.sqlite").path }

    init(_ options: EmbeddedLogOptions = .init()) throws {
        self.options = options
        folder = URL(fileURLWithPath: "/tmp/freshet-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    func open() throws -> any EventLog { try openEmbedded() }

    func openEmbedded() throws -> EmbeddedLog {
        try EmbeddedLog(path: path, options: options, logger: quiet)
    }

    func deadLetters() throws -> [DeadLetter] {
        try DatabaseQueue(path: path).read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM dead_letters ORDER BY partition, offset").map { row in
                DeadLetter(
                    token: Token(partition: row["partition"], offset: row["offset"]), time: row["time"],
                    reason: row["reason"], payload: Array(row["payload"] as Data))
            }
        }
    }
}
