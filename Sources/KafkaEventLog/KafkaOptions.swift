import EventLog

/// Where the topic is and how to reach it.
public struct KafkaOptions: Sendable, Equatable {
    /// `host:port`, several of them with commas between.
    public var brokers: String
    public var topic: String
    /// The consumer group. Its committed offsets are for lag tools; the positions in the state rule.
    public var group: String
    /// By which the group knows the consumer again after a restart, so that its partitions wait for it (`group.instance.id`,
    /// KIP-345); `nil` for none. No two consumers of a group may have the same.
    public var instance: String?
    /// A consumer that has an instance gives its partitions to the others when it is closed, as one without does.
    public var leavesOnStop = false
    /// Takes the records that are no events, each with its reason.
    public var deadLetterTopic: String
    /// Any property of librdkafka, for consumer and producer both; these win over ours. What would break
    /// exactly-once is refused.
    public var properties: [String: String]
    /// How long dead letters that cannot be stored hold checkpoints back before they are let go; `nil` for ever.
    public var deadLetterPatience: Duration?

    /// - Parameter deadLetterTopic: `TOPIC.dead-letters` where absent.
    public init(
        brokers: String, topic: String, group: String = "freshet", deadLetterTopic: String? = nil,
        properties: [String: String] = [:], deadLetterPatience: Duration? = .seconds(60)
    ) {
        self.brokers = brokers
        self.topic = topic
        self.group = group
        self.deadLetterTopic = deadLetterTopic ?? "\(topic).dead-letters"
        self.properties = properties
        self.deadLetterPatience = deadLetterPatience
    }
}

extension KafkaOptions {
    /// For messages to people.
    var name: String { "kafka topic '\(topic)' at \(brokers)" }

    /// The group has given this consumer's place to another one that has the same instance.
    var fenced: EventLogError {
        EventLogError(
            .refused,
            "\(name): another process has come into group '\(group)' as '\(instance ?? "")' (source.kafka.instance-id), and the "
                + "group has given this one's partitions to it. No two daemons of a group may have the same id: stop one of "
                + "them, or give each its own, or leave it at auto; where this daemon's folder came from another one's, "
                + "remove the file instance-id from it first")
    }

    func configureConsumer(_ configuration: borrowing KafkaConfiguration) throws(EventLogError) {
        try configureClient(configuration)
        try configuration.set("group.id", group)
        // The state's positions rule; the group's offsets follow each checkpoint.
        try configuration.set("enable.auto.commit", "false")
        try configuration.set("enable.auto.offset.store", "false")
        try configuration.set("isolation.level", "read_committed")
        try configuration.set("partition.assignment.strategy", "cooperative-sticky")
        // Never silently from the start or the end: a gap is for `on-gap` to decide.
        try configuration.set("auto.offset.reset", "error")
        // How positions get past transaction markers and aborted records.
        try configuration.set("enable.partition.eof", "true")
        try configuration.set("allow.auto.create.topics", "false")
        // A daemon that was killed gets its partitions back after this time, in ms; librdkafka's own default is 45 s.
        try configuration.set("session.timeout.ms", "10000")
        // How soon a topic created late is seen, in ms.
        try configuration.set("topic.metadata.refresh.interval.ms", "5000")
        // Bounds what is fetched ahead, of all partitions together; beside its bytes a message takes some 400 more.
        try configuration.set("queued.min.messages", "100000")
        try configuration.set("queued.max.messages.kbytes", "16384")
        // One answer of a broker is queued whatever its size, and by librdkafka's own default it may have 50 MB, compressed: of
        // small events that is millions of messages. A batch that is larger comes nevertheless, alone (KIP-74); librdkafka wants
        // room for one record all the same.
        try configuration.set("fetch.max.bytes", String(max(4_194_304, recordBytesMax)))
        try apply(properties, to: configuration)
    }

    /// Bounds of what is fetched ahead, as librdkafka was told.
    var queuedMessagesMax: Int { properties["queued.min.messages"].flatMap { Int($0) } ?? 100_000 }
    var queuedBytesMax: Int {
        1_024 * (properties["queued.max.messages.kbytes"].flatMap { Int($0) } ?? 16_384)
    }

    /// Of the largest record that may be sent; 1,000,000 is librdkafka's default.
    var recordBytesMax: Int {
        ["message.max.bytes", "msg.max.bytes"].lazy.compactMap { properties[$0].flatMap(Int.init) }.first
            ?? 1_000_000
    }

    func configureProducer(_ configuration: borrowing KafkaConfiguration) throws(EventLogError) {
        try configureClient(configuration)
        try configuration.set("enable.idempotence", "true")
        try configuration.set("acks", "all")
        // A lone event should not wait; under load what waits for the broker is batched anyway.
        try configuration.set("linger.ms", "0.5")
        // How long an append may hang before whoever fed it is told, in ms.
        try configuration.set("message.timeout.ms", "30000")
        try configuration.set("queue.buffering.max.kbytes", "65536")
        // The Java client's way, so that one user's events meet in one partition whoever produced them.
        try configuration.set("partitioner", "murmur2_random")
        try apply(properties, to: configuration)
    }

    private func configureClient(_ configuration: borrowing KafkaConfiguration) throws(EventLogError) {
        try configuration.set("bootstrap.servers", brokers)
        try configuration.set("client.id", "freshet")
        try configuration.set("reconnect.backoff.max.ms", "2000")
    }

    private func apply(_ properties: [String: String], to configuration: borrowing KafkaConfiguration)
        throws(EventLogError)
    {
        for (key, value) in properties.sorted(by: { $0.key < $1.key }) {
            try configuration.set(key, value)
        }
    }

    /// Refuses what cannot work before anything starts.
    func validate() throws(EventLogError) {
        guard !brokers.isEmpty else {
            throw EventLogError(.invalid, "source.kafka.brokers is empty; name at least one host:port")
        }
        guard !group.isEmpty else {
            throw EventLogError(.invalid, "source.kafka.group is empty; name a consumer group")
        }
        try Self.validate(topic, key: "source.kafka.topic")
        try Self.validate(deadLetterTopic, key: "source.kafka.dead-letter-topic")
        if let instance { try Self.validate(instance, key: "source.kafka.instance-id") }
        guard topic != deadLetterTopic else {
            throw EventLogError(
                .invalid, "source.kafka.dead-letter-topic is '\(topic)', the topic itself; name another one")
        }
        for (key, value) in properties.sorted(by: { $0.key < $1.key }) {
            if let reason = Self.refusal(of: key, value) {
                throw EventLogError(.invalid, "source.kafka.properties.\(key) is '\(value)', but \(reason)")
            }
        }
        try configureConsumer(KafkaConfiguration())
        try configureProducer(KafkaConfiguration())
    }

    /// Kafka's own rule; librdkafka would take a leading `^` for a regular expression.
    private static func validate(_ name: String, key: String) throws(EventLogError) {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard allowed, (1...249).contains(name.utf8.count), name != ".", name != ".." else {
            throw EventLogError(
                .invalid,
                "\(key) is '\(name)'; 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-' are allowed"
            )
        }
    }

    /// Why a property may not be given, if so.
    private static func refusal(of key: String, _ value: String) -> String? {
        let value = value.lowercased()
        let isFalse = ["false", "f", "0"].contains(value)
        switch key {
        case "enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store":
            return isFalse ? nil : "positions are committed with each checkpoint, so only false is allowed"
        case "enable.idempotence":
            return isFalse
                ? "without idempotence a retry may store an event twice; only true is allowed" : nil
        case "acks", "request.required.acks":
            return ["all", "-1"].contains(value)
                ? nil : "a token is handed out for durable events only; only all is allowed"
        case "auto.offset.reset":
            return value == "error"
                ? nil : "a gap is never skipped without a word; use source.kafka.start and source.on-gap"
        case "enable.partition.eof":
            return isFalse ? "the ends of partitions have to be told; only true is allowed" : nil
        case "transactional.id":
            return "events are appended one by one, outside of transactions; remove it"
        case "bootstrap.servers", "metadata.broker.list":
            return "the brokers have a key of their own; use source.kafka.brokers"
        case "group.id":
            return "the group has a key of its own; use source.kafka.group"
        case "group.instance.id":
            return "the instance has a key of its own; use source.kafka.instance-id"
        default:
            return nil
        }
    }
}
