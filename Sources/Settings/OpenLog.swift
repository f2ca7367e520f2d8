import EmbeddedEventLog
public import EventLog
public import KafkaEventLog
public import Logging

extension Configuration {
    /// Opens the log that `source.kind` names. `state.folder` must exist for the embedded one.
    ///
    /// - Parameters:
    ///   - instance: by which Kafka's group knows its consumer again (`groupInstance`); `nil` for one without a place of its own.
    ///   - logger: hears what the log has to say while it is open.
    /// - Throws: `EventLogError` where it cannot be opened.
    public func openLog(as instance: String? = nil, logger: Logger) throws(EventLogError) -> any HistoricalLog
    {
        switch source.kind {
        case .embedded:
            return try EmbeddedLog(
                path: state.folder + "/log.sqlite",
                options: EmbeddedLogOptions(
                    queueMax: source.embedded.queueMax, retainEvents: Int64(source.embedded.retainEvents),
                    deadLetterPatience: source.deadLetterPatience),
                logger: logger)
        case .kafka:
            var options = kafkaOptions
            options.instance = instance
            return try KafkaLog(options: options, logger: logger)
        }
    }

    /// Tells a log that is open what of `source` may change meanwhile. What a gap means is for the engine's options to say.
    public func change(_ log: any EventLog) {
        if let kafka = log as? KafkaLog {
            kafka.change(deadLetterPatience: source.deadLetterPatience)
            kafka.change(leavesOnStop: source.kafka.leavesOnStop)
        }
        guard let embedded = log as? EmbeddedLog else { return }
        embedded.change(deadLetterPatience: source.deadLetterPatience)
        embedded.change(
            queueMax: source.embedded.queueMax, retainEvents: Int64(source.embedded.retainEvents))
    }

    /// Opens the topic of `source.kafka`, whatever `source.kind` says. Throws as `openLog` does.
    public func openKafka(logger: Logger) throws(EventLogError) -> KafkaLog {
        try KafkaLog(options: kafkaOptions, logger: logger)
    }

    /// What the daemons of a group share beside the log; `nil` of a daemon alone.
    public func clusterTopics(of log: any EventLog, logger: Logger) -> (any ClusterTopics)? {
        guard cluster.enabled, let log = log as? KafkaLog else { return nil }
        return KafkaClusterTopics(log, logger: logger)
    }

    /// The topic of `source.kafka` and how to reach it.
    public var kafkaOptions: KafkaOptions {
        // The others wait for one that was killed, and nobody answers for its users meanwhile: as short as brokers allow.
        let quick = ["session.timeout.ms": "6000", "heartbeat.interval.ms": "1500"]
        var options = KafkaOptions(
            brokers: source.kafka.brokers, topic: source.kafka.topic, group: source.kafka.group,
            deadLetterTopic: source.kafka.deadLetterTopic,
            properties: cluster.enabled
                ? source.kafka.properties.merging(quick) { said, _ in said } : source.kafka.properties,
            deadLetterPatience: source.deadLetterPatience)
        options.leavesOnStop = source.kafka.leavesOnStop
        return options
    }

    /// What the log that `source.kind` names calls itself in a state (`EventLog.source`), without opening it.
    public var logSource: String {
        switch source.kind {
        case .embedded: EmbeddedLog.sourceName
        case .kafka: KafkaLog.sourceName(topic: source.kafka.topic)
        }
    }
}
