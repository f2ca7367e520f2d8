extension ConfigurationKey {
    static let kafka: [ConfigurationKey] = [
        text(
            "source.kafka.brokers", \.source.kafka.brokers, allowed: "host:port, several parted by commas",
            "Kafka brokers to begin with.", where: { !$0.isEmpty }),
        text(
            "source.kafka.topic", \.source.kafka.topic, allowed: nameAllowed, "Topic of the events.",
            where: isName),
        text(
            "source.kafka.group", \.source.kafka.group, allowed: "1 to 255 bytes", "Consumer group.",
            where: { (1...255).contains($0.utf8.count) }),
        text(
            "source.kafka.dead-letter-topic", \.source.kafka.deadLetterTopic, allowed: nameAllowed,
            "Topic that takes malformed events, each with its reason and token.", where: isName),
        text(
            "source.kafka.instance-id", \.source.kafka.instanceID,
            allowed: "auto, \(nameAllowed), or nothing",
            "By which id the group knows this daemon again after a restart, so that its partitions wait for it "
                + "(group.instance.id). No two daemons of a group may have the same. With cluster.enabled, auto makes one for "
                + "the state folder and keeps it there; else, as nothing does, it has the group deal anew with each start.",
            where: { $0.isEmpty || isName($0) }),
        bool(
            "source.kafka.leave-on-stop", \.source.kafka.leavesOnStop,
            "Whether a daemon that has an instance-id gives its partitions to the others as soon as it stops in order; else "
                + "they wait session.timeout.ms for it to come back."
        ).reloadable(),
        scalar(
            "source.kafka.start", \.source.kafka.start, type: "text", allowed: StartTime.allowed,
            "Where a partition never seen before starts.", text: StartTime.text, parse: StartTime.parse),
        map(
            "source.kafka.properties", \.source.kafka.properties,
            allowed: "librdkafka property names to texts",
            "Passed to librdkafka as they are, say security.protocol, sasl.username, ssl.ca.location.",
            text: { $0 }, parse: { $0 }
        ).secret(),
    ]

    private static let nameAllowed = "1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'"

    /// Kafka's rule of topics and of members' ids.
    private static let isName: @Sendable (String) -> Bool = { text in
        (1...249).contains(text.utf8.count) && text != "." && text != ".."
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_": true
                default: false
                }
            }
    }
}
