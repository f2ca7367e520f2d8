package import EmbeddedEventLog
package import EventLog
import Events
package import Foundation
import GRDB
package import Logging
import Testing

package enum LogKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case embedded, kafka

    package var testDescription: String { rawValue }
}

/// A place that holds one log, which a test may open, close and open again.
package protocol LogPlace: Sendable {
    func open() throws -> any EventLog
    func deadLetters() throws -> [DeadLetter]
}

package func makePlace(_ kind: LogKind) throws -> any LogPlace {
    switch kind {
    case .embedded: try EmbeddedPlace()
    case .kafka: try KafkaPlace()
    }
}

/// Quiet, so that provoked failures do not bury the test report.
package let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

package final class EmbeddedPlace: LogPlace {
    package let folder: URL
    package let options: EmbeddedLogOptions

    package var path: String { folder.appendingPathComponent("events.sqlite").path }

    package init(_ options: EmbeddedLogOptions = .init()) throws {
        self.options = options
        folder = URL(fileURLWithPath: "/tmp/freshet-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    package func open() throws -> any EventLog { try openEmbedded() }

    package func openEmbedded() throws -> EmbeddedLog {
        try EmbeddedLog(path: path, options: options, logger: quiet)
    }

    package func deadLetters() throws -> [DeadLetter] {
        try DatabaseQueue(path: path).read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM dead_letters ORDER BY partition, offset").map { row in
                DeadLetter(
                    token: Token(partition: row["partition"], offset: row["offset"]), time: row["time"],
                    reason: row["reason"], payload: Array(row["payload"] as Data))
            }
        }
    }
}
