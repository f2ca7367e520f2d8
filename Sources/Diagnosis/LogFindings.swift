import Checkpoints
import EmbeddedEventLog
import EventLog
import Foundation
import KafkaEventLog
import Settings

/// The log: whether it can be reached, and whether it holds what the state needs next.
struct LogFindings {
    private let configuration: Configuration
    /// Next offset by partition, of the running daemon or of the file.
    private let positions: [Int32: Int64]

    init(_ configuration: Configuration, daemon: RunningDaemon) {
        self.configuration = configuration
        let stored = try? StateFile.summary(path: configuration.state.folder + "/state.sqlite")
        positions = (stored?.positions ?? [:]).merging(daemon.positions) { max($0, $1) }
    }

    var all: [Finding] {
        switch configuration.source.kind {
        case .embedded: embedded
        case .kafka: kafka
        }
    }

    // MARK: - Embedded

    private var embedded: [Finding] {
        let path = configuration.state.folder + "/log.sqlite"
        guard FileManager.default.fileExists(atPath: path) else {
            let isLost = positions.values.contains { $0 > 0 }
            return [
                isLost
                    ? .error(
                        "log", "the state stands at \(Self.text(positions)), and '\(path)' is not there",
                        "put the log back that belongs to the state; or name another state.folder; or say source.on-gap: "
                            + "skip, which goes on with an empty log")
                    : .ok("log", "none yet; the daemon makes it")
            ]
        }
        do {
            let log = try EmbeddedInspection(path: path)
            var findings = [
                Self.position(of: 0, positions[0], held: log.earliest..<max(log.earliest, log.end), in: "log")
            ]
            if log.deadLetters > 0 {
                findings.append(
                    .warning(
                        "dead letters", "\(log.deadLetters) malformed events were put aside",
                        "sqlite3 '\(path)' \"SELECT offset, reason, CAST(payload AS TEXT) FROM dead_letters\""
                    ))
            } else {
                findings.append(.ok("dead letters", "none"))
            }
            return findings
        } catch {
            let (found, remedy) = StateFindings.split(error.message)
            return [.error("log", found, remedy)]
        }
    }

    /// Whether the log still holds what is to be learned next.
    static func position(
        of partition: Int32, _ position: Int64?, held: Range<Int64>, in subject: String
    ) -> Finding {
        let holds = "partition \(partition) holds \(held.lowerBound) to \(held.upperBound)"
        guard let position else { return .ok(subject, "\(holds), nothing learned of it yet") }
        if position < held.lowerBound {
            return .error(
                subject, "\(holds), the next event to learn is \(position): retention has deleted it",
                "raise the retention. To go on past the gap, start once with source.on-gap: skip; it is counted"
            )
        }
        if position > held.upperBound {
            return .error(
                subject,
                "\(holds), the next event to learn is \(position): it is another log, or an older copy",
                "put back the log that belongs to the state, or name another state.folder")
        }
        let behind = held.upperBound - position
        return .ok(subject, "\(holds), \(behind == 0 ? "all learned" : "\(behind) not learned yet")")
    }

    private static func text(_ positions: [Int32: Int64]) -> String {
        positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ", ")
    }

    // MARK: - Kafka

    private var kafka: [Finding] {
        do throws(EventLogError) {
            return findings(of: try KafkaInspection(configuration.kafkaOptions))
        } catch {
            let (found, remedy) = StateFindings.split(error.message)
            return [.error("log", found, remedy)]
        }
    }

    func findings(of cluster: KafkaInspection) -> [Finding] {
        let kafka = configuration.source.kafka
        guard !cluster.brokers.isEmpty else {
            let words = if case .unknown(let words) = cluster.topic { words } else { "no answer" }
            // Librdkafka adds how long it took, and how often.
            let why = words.components(separatedBy: " (after")[0]
            return [
                .error(
                    "broker", "\(kafka.brokers) does not answer: \(why)",
                    "look whether Kafka runs and can be reached from here, and at source.kafka.brokers and the security in "
                        + "source.kafka.properties")
            ]
        }
        var findings = [Finding.ok("broker", "\(cluster.brokers.joined(separator: ", "))")]
        findings += topic(cluster.topic)
        findings.append(deadLetters(cluster))
        return findings
    }

    private func topic(_ topic: KafkaInspection.Topic) -> [Finding] {
        let kafka = configuration.source.kafka
        switch topic {
        case .missing:
            return [
                .error(
                    "topic", "there is no topic '\(kafka.topic)'",
                    "kafka-topics --bootstrap-server \(kafka.brokers) --create --topic \(kafka.topic)")
            ]
        case .unknown(let why):
            return [
                .error(
                    "topic", "'\(kafka.topic)': \(why)",
                    "give this client the right to describe and read the topic")
            ]
        case .there(let partitions):
            let plural = partitions.count == 1 ? "1 partition" : "\(partitions.count) partitions"
            let replicas = partitions.map(\.replicas).min() ?? 0
            return [
                .ok(
                    "topic",
                    "'\(kafka.topic)', \(plural), \(replicas == 1 ? "1 replica" : "\(replicas) replicas")")
            ]
                + partitions.map(partition)
        }
    }

    private func partition(_ partition: KafkaInspection.Partition) -> Finding {
        let name = "partition \(partition.number)"
        guard partition.hasLeader else {
            return .error(
                "topic", "\(name) has no leader", "look at the brokers; the one that leads it is down")
        }
        guard let held = partition.held else {
            return .error(
                "topic", "\(name) does not say what it holds", "give this client the right to read the topic")
        }
        let position = Self.position(
            of: partition.number, positions[partition.number], held: held, in: "topic")
        guard position.level == .ok, partition.inSyncReplicas < partition.replicas else { return position }
        return .warning(
            "topic",
            "\(position.found); \(partition.inSyncReplicas) of \(partition.replicas) replicas are in sync",
            "look at the brokers that are behind")
    }

    private func deadLetters(_ cluster: KafkaInspection) -> Finding {
        let (name, brokers) = (configuration.source.kafka.deadLetterTopic, configuration.source.kafka.brokers)
        let subject = "dead letters"
        switch cluster.deadLetterTopic {
        case .missing:
            return .error(
                subject,
                "there is no topic '\(name)': a malformed event would hold checkpoints back, and be dropped after "
                    + "source.dead-letter-wait-s",
                "kafka-topics --bootstrap-server \(brokers) --create --topic \(name)")
        case .unknown(let why):
            return .error(
                subject, "'\(name)': \(why)", "give this client the right to describe and write the topic")
        case .there: break
        }
        switch cluster.deadLetterWriting {
        case .taken?: return .ok(subject, "'\(name)' is there and takes what is written")
        case .refused(let why)?:
            return .error(
                subject, "'\(name)' takes nothing: \(why)", "give this client the right to write the topic")
        case .untried(let why)?:
            return .warning(
                subject, "'\(name)' is there; whether it takes letters could not be tried (\(why))",
                "allow the transactional id freshet-doctor-\(configuration.source.kafka.group), by which a letter is "
                    + "written and taken back; or look at the rights yourself")
        case nil: return .ok(subject, "'\(name)' is there")
        }
    }
}
