import State

extension ConfigurationKey {
    static let cluster: [ConfigurationKey] = [
        bool(
            "cluster.enabled", \.cluster.enabled,
            "Learn as one of several daemons of the consumer group: users move with their partitions, and what is learned of "
                + "items is shared. Wants Kafka, and the topics TOPIC-items (1 partition, kept for a day) and TOPIC-users (compacted)."
        ),
        integer(
            "cluster.commit-interval-ms", \.cluster.commitIntervalMs, 50...60_000, unit: "milliseconds",
            "Longest time between two commits while events come in, in place of checkpoint.every-seconds: how old is "
                + "what the daemons know of each other."),
        scalar(
            "cluster.item-bytes-max", \.cluster.itemBytesMax, type: "bytes", allowed: ByteCount.allowed,
            "What a commit tells the others of items, about: counts always go, of the rows those that have moved furthest.",
            text: ByteCount.text, parse: ByteCount.parse),
        integer(
            "cluster.image-interval-s", \.cluster.imageIntervalSeconds, 0...604_800, unit: "seconds",
            "How old the newest image of items gets before the daemon that has partition 0 tells another one in TOPIC-items: who "
                + "joins with an empty folder begins with it. Less than the topic keeps (retention.ms); 0 tells none."
        ),
        integer(
            "cluster.standby", \.cluster.standby, 0...16, unit: "daemons",
            "How many others keep a copy of each partition on disk, so that one of them has little to read when it gets it."
        ),
        text(
            "cluster.address", \.cluster.address, allowed: "host:port, an absolute path, or nothing",
            "Where the other daemons, and clients that they send here, ask this one; nothing stands for the address of "
                + "rpc.listen or, without that, for the socket.",
            where: { $0.isEmpty || $0.hasPrefix("/") || Configuration.RPC.address($0) != nil }),
        bool(
            "cluster.forward", \.cluster.forward,
            "Ask the daemon that has a user on the client's behalf, over HTTP too; else the client is sent there, with MOVED (421)."
        ),
        text(
            "cluster.user", \.cluster.user,
            allowed: "a name of the other daemons' access.users-file, or nothing",
            "By which name this daemon comes in at the others over TCP; the role read is enough.",
            where: { !$0.contains { $0.isNewline } }),
        text(
            "cluster.password-file", \.cluster.passwordFile, allowed: "a path, or nothing",
            "File whose first line is that name's password; others may not read it.",
            where: { !$0.utf8.contains(0) }),
    ]
}
