import Logging
import Synchronization

/// The daemon's log: lines on standard error, of a level that may change while it runs.
final class DaemonLog: Sendable {
    private let output = LogOutput()
    /// Its number among all levels: asked for with every message, written or not.
    private let least: Atomic<Int>

    init(level: Logger.Level) { least = Atomic(Self.number(of: level)) }

    private static func number(of level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }

    /// Least severe messages written, by every logger made here.
    var level: Logger.Level {
        get { Logger.Level.allCases[least.load(ordering: .relaxed)] }
        set { least.store(Self.number(of: newValue), ordering: .relaxed) }
    }

    /// Of each copy of it the level is this log's.
    var logger: Logger { Logger(label: "freshet", factory: { Handler(log: self, label: $0) }) }

    /// A line that is no log message: what ends the daemon.
    func say(_ text: String) { output.write(text + "\n") }

    /// Returns once what was logged is written, or cannot be for now.
    func flush() { output.flush() }

    private struct Handler: LogHandler {
        let log: DaemonLog
        var stream: StreamLogHandler

        init(log: DaemonLog, label: String) {
            self.log = log
            stream = StreamLogHandler(label: label, stream: log.output)
        }

        var logLevel: Logger.Level {
            get { log.level }
            set { log.level = newValue }
        }
        var metadata: Logger.Metadata {
            get { stream.metadata }
            set { stream.metadata = newValue }
        }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { stream[metadataKey: key] }
            set { stream[metadataKey: key] = newValue }
        }
        func log(event: LogEvent) { stream.log(event: event) }
    }
}
