import Access
import EventLog
import Events
import Learners
import State
import StreamLearning

extension ConfigurationKey {
    /// Every key there is, in the order of the reference.
    static let all: [ConfigurationKey] =
        state + source + kafka + embedded + events + engine + models + content + features + scoreAndCheckpoint
        + access
        + cluster + rpc + tls + http
        + log

    private static let state: [ConfigurationKey] = [
        text(
            "state.folder", \.state.folder, allowed: "a path",
            "Folder of the checkpoint file, the embedded log and the lock; made when missing.",
            where: isPath)
    ]

    private static let source: [ConfigurationKey] = [
        choice(
            "source.kind", \.source.kind, Configuration.Source.Kind.allCases,
            "Where events come from: the embedded log (SQLite in the state folder) or Kafka."),
        choice(
            "source.on-gap", \.source.onGap, [.fail, .skip],
            "When the log no longer holds the next event, or is another one: stop, or go on with what it holds, and count."
        ).reloadable(),
        integer(
            "source.dead-letter-wait-s", \.source.deadLetterWaitSeconds, 0...86_400, unit: "seconds",
            "Longest that dead letters which cannot be stored hold checkpoints back; then they are dropped, counted and "
                + "logged. 0 waits for ever."
        ).reloadable(),
    ]

    private static let embedded: [ConfigurationKey] = [
        integer(
            "source.embedded.retain-events", \.source.embedded.retainEvents, 0...Int.max, unit: "events",
            "Learned and checkpointed events the embedded log keeps; 0 keeps all."
        ).reloadable(),
        integer(
            "source.embedded.queue-max", \.source.embedded.queueMax, 1...16_777_216, unit: "events",
            "Events waiting for the embedded log's group commit before feeders are told OVERLOADED."
        ).reloadable(),
    ]

    private static let events: [ConfigurationKey] = [
        field("user", \.events.fields.user, "the user's id"),
        field("item", \.events.fields.item, "the item's id"),
        field("rating", \.events.fields.rating, "the rating"),
        field("ts", \.events.fields.ts, "the time"),
        field("type", \.events.fields.type, "the kind of event; rating where absent"),
        field("signal", \.events.fields.signal, "the signal's name"),
        field("title", \.events.fields.title, "the item's title"),
        field("tags", \.events.fields.tags, "the tags of an item or a user"),
        field("add-tags", \.events.fields.addTags, "tags that an item or a user gets beside those it has"),
        field("available", \.events.fields.available, "whether the item may be recommended"),
        field("id", \.events.fields.id, "the event's own id, by which a second delivery is known"),
        choice(
            "events.ts-unit", \.events.tsUnit, TimeUnit.allCases,
            "Unit of times that are numbers; auto tells seconds, milliseconds, microseconds and nanoseconds by size."
        ),
        number(
            "events.rating-min", \.events.ratingMin, -1e6...1e6,
            "Lowest rating taken; must lie below rating-max."),
        number(
            "events.rating-max", \.events.ratingMax, -1e6...1e6, "Highest rating taken."),
        integer(
            "events.bytes-max", \.events.bytesMax, 256...16_777_216, unit: "bytes",
            "Longest record taken; longer ones are dead letters."),
        map(
            "events.signals", \.events.signals,
            allowed: "signal names to weights (numbers from -1000 to 1000)",
            "The signals known, and how much each counts. Others are dead letters.",
            text: { ConfigurationText.number(Double($0)) },
            parse: { text in Float(text).flatMap { (-1_000...1_000).contains($0) ? $0 : nil } }),
    ]

    private static let engine: [ConfigurationKey] = [
        integer("engine.seed", \.engine.seed, 0...Int.max, "Seed of every random choice."),
        integer(
            "engine.factors", \.engine.factors, 8...512, multipleOf: 8, unit: "floats",
            "Length of a user's or item's row. A state keeps the length it was begun with."),
        integer(
            "engine.shards", \.engine.shards, 0...64,
            "Queues that learn side by side; 0 takes one per core. Several take a backlog out of its order."),
        bool(
            "engine.deterministic", \.engine.deterministic,
            "Cut batches by count alone, so that two runs over one partition end in the same state."),
        choice(
            "engine.retract", \.engine.retract, LearningOptions.Retraction.allCases,
            "What RETRACT does beside taking the item out of history and counts: forget leaves what was learned to fade; "
                + "correct has sgd and bpr take a step back."),
        integer(
            "engine.batch-events-max", \.engine.batchEventsMax, 1...65_536, unit: "events",
            "Most events learned together."
        ).reloadable(),
        integer(
            "engine.queue-events-max", \.engine.queueEventsMax, 1...16_777_216, unit: "events",
            "Most events held in memory; beyond it the log is paused."
        ).reloadable(),
        integer(
            "engine.history-max", \.engine.historyMax, 1...1_000_000, unit: "items per user",
            "Items kept in a user's history; the oldest go first."
        ).reloadable(),
        integer(
            "engine.duplicates-window", \.engine.duplicatesWindow, 0...67_108_864,
            unit: "events per partition",
            "Events, with an id or a time of their own, that are known again when they come a second time; 16 bytes "
                + "each. 0 for none."
        ).reloadable(),
        integer(
            "engine.users-max", \.engine.usersMax, 0...1_000_000_000, unit: "users",
            "Users kept; past it those heard of least recently are erased. 0 for no bound."
        ).reloadable(),
        integer(
            "engine.items-max", \.engine.itemsMax, 0...1_000_000_000, unit: "items",
            "Items kept; past it events on new items are counted and left out. 0 for no bound."
        ).reloadable(),
        number(
            "engine.norm-max", \.engine.normMax, 1e-3...1e6,
            "An update that would take a row beyond this Euclidean norm is dropped and counted."),
        integer(
            "engine.publish-interval-ms", \.engine.publishIntervalMs, 0...1_000, unit: "milliseconds",
            "Changed items become visible to look-ups at least this often; 0 after every batch."
        ).reloadable(),
    ]

    private static let models: [ConfigurationKey] = [
        models(
            "Models learned side by side from the one stream. A file that has this key replaces the defaults."
        ),
        text(
            "default-model", \.defaultModel, allowed: "the name of one of the models, or best",
            "The model asked where a look-up names none, until PROMOTE names another; best: whichever leads for sure.",
            where: ModelSettings.isName),
        number(
            "promotion.margin", \.promotion.margin, 0...0.5,
            "With default-model best: the lead in recall@10 (or explained variance) that a model must exceed for sure."
        ),
        number(
            "promotion.error", \.promotion.error, 1e-9...0.5,
            "The probability, of each default, that a model without such a lead ever takes its place."),
    ]

    private static let content: [ConfigurationKey] = [
        bool(
            "content.vectors", \.content.vectors,
            "Learn vectors of items from their tags, for SEARCH, SIMILAR BY content and RECOMMEND BY content. Costs nothing "
                + "while no item carries tags."),
        integer(
            "content.passes", \.content.passes, 1...1_000, unit: "triplets",
            "What each new description of an item is worth: one triplet is learned at once, the others as further events "
                + "come."),
        integer(
            "content.refresh", \.content.refresh, 0...1_000, unit: "triplets",
            "How many of the others are learned at a time."),
        integer(
            "content.refresh-events", \.content.refreshEvents, 1...1_000_000, unit: "events",
            "Events, of whatever kind, between two of these times."),
    ]

    private static let features: [ConfigurationKey] = [
        bool(
            "features.priors", \.features.priors,
            "Learn what tags say of items, as the start of those that few have taken."),
        integer(
            "features.items-min", \.features.itemsMin, 1...1_000_000, unit: "items",
            "Items that a tag has to be on, so that something is learned of it."),
        number(
            "features.evidence", \.features.evidence, 0.1...1e6,
            "Users of an item as of whom its own row counts as much as what its tags say."),
        number(
            "features.regularization", \.features.regularization, 1e-3...1e6,
            "How much what is learned of each tag is held back."),
        integer(
            "features.solve-events", \.features.solveEvents, 1_024...1_073_741_824, unit: "events",
            "Events after which that is worked out anew; in the beginning earlier, at 1024 and each doubling up to a "
                + "quarter of them, once there are four for each tag."
        ),
    ]

    private static let scoreAndCheckpoint: [ConfigurationKey] = [
        text(
            "recommend.seen", \.recommend.seen, allowed: SeenRule.allowed,
            "Whether what a user took may be recommended again; live scores go by it too. A look-up may say otherwise.",
            where: { SeenRule($0) != nil }),
        scalar(
            "histories.signal-half-life", \.histories.signalHalfLife, type: "text", allowed: HalfLife.allowed,
            "How long until a signal counts half in what a user's signals on an item weigh together: by their times, or in "
                + "events of that user.",
            text: \.configured, parse: { HalfLife(configured: $0) }),
        number(
            "popularity.half-life-events", \.popularity.halfLifeEvents, 0...1e12, unit: "events",
            "Events of the stream after which a liking counts half in an item's popularity; 0 never fades."),
        number(
            "trending.half-life-events", \.trending.halfLifeEvents, 1...1e12, unit: "events",
            "The same of the fast count that trending sets against popularity; must lie below it."),
        integer(
            "score.window-events", \.score.windowEvents, 1...100_000_000, unit: "events",
            "Newest events the live score of each model is taken over."
        ).reloadable(),
        integer(
            "checkpoint.every-seconds", \.checkpoint.everySeconds, 1...86_400, unit: "seconds",
            "Longest time between two checkpoints while events come in."
        ).reloadable(),
        integer(
            "checkpoint.every-events", \.checkpoint.everyEvents, 1...1_000_000_000, unit: "events",
            "Most events between two checkpoints."
        ).reloadable(),
        integer(
            "checkpoint.keep", \.checkpoint.keep, 0...1_000, unit: "copies",
            "Earlier copies of the state's file that are kept to go back to, each as long as the file; 0 for none."
        ).reloadable(),
        integer(
            "checkpoint.keep-every-seconds", \.checkpoint.keepEverySeconds, 1...31_536_000, unit: "seconds",
            "Time between two such copies. One is made, too, before a new version changes the file."
        ).reloadable(),
        scalar(
            "memory.limit", \.memory.limit, type: "bytes", allowed: ByteCount.allowed,
            "Memory that the daemon may take; beyond it users heard of least recently leave for the state file, and come "
                + "back with their next event. Items, ids and indexes stay. 0 for no limit.",
            text: ByteCount.text, parse: ByteCount.parse),
    ]

    private static let access: [ConfigurationKey] = [
        choice(
            "access.default-role", \.access.defaultRole, Configuration.Access.StandardRole.allCases,
            "What whoever gives no name may do, on the socket and over HTTP: read asks, feed appends too, admin does all; "
                + "none has everybody give a name. rpc.password and http.token, where set, come first."
        ).reloadable(),
        text(
            "access.users-file", \.access.usersFile, allowed: "a path, or nothing",
            "File of users, a line each: name:role:hash, as freshet password makes it; others may not read it. Read again "
                + "with SIGHUP.",
            where: { !$0.utf8.contains(0) }
        ).reloadable(),
        roles("access.uids", \.access.uids, "users").reloadable(),
        roles("access.gids", \.access.gids, "groups").reloadable(),
        integer(
            "access.commands-per-second", \.access.commandsPerSecond, 0...1_000_000_000, unit: "commands",
            "Most commands, or requests over HTTP, of one peer: a named user, else a user id or an address. 0 for no limit."
        ).reloadable(),
        integer(
            "access.events-per-second", \.access.eventsPerSecond, 0...1_000_000_000, unit: "events",
            "The same of events that it appends."
        ).reloadable(),
        integer(
            "access.connections-per-peer", \.access.connectionsPerPeer, 0...65_536, unit: "connections",
            "Most connections of the RPC that one user id or address has open, so that others find a place. 0 for no limit."
        ).reloadable(),
    ]

    private static func roles(_ name: String, _ path: Path<[String: Role]>, _ what: String) -> Self {
        map(
            name, path, allowed: "names or ids of the system's \(what) to read, feed or admin",
            "Roles of the system's \(what) that connect to a Unix socket; they need no name and no password.",
            text: \.rawValue, parse: { Role(rawValue: $0) })
    }

    private static let rpc: [ConfigurationKey] = [
        text(
            "rpc.socket", \.rpc.socket, allowed: "a path of at most 107 bytes, or nothing",
            "Unix socket of the RPC; nothing stands for freshet.sock in the state folder.",
            where: { $0.utf8.count <= 107 && !$0.utf8.contains(0) }),
        text(
            "rpc.listen", \.rpc.listen,
            allowed:
                "address:port, [IPv6]:port, without TLS with an address of rpc.plain-networks as digits, or nothing",
            "Address on which the RPC is served over TCP, too; nobody comes in there without a name and a password. Nothing "
                + "for none.",
            where: { $0.isEmpty || Configuration.RPC.address($0) != nil }),
        choice(
            "rpc.plain-networks", \.rpc.plainNetworks, PlainNetwork.allCases,
            "Whence connections over TCP are taken without TLS: this machine, or private networks too, where whoever sees the "
                + "wire sees passwords. With rpc.tls.certificate they come from everywhere."),
        integer(
            "rpc.connections-max", \.rpc.connectionsMax, 1...65_536, "Connections served at once."
        ).reloadable(),
        integer(
            "rpc.request-bytes-max", \.rpc.requestBytesMax, 1_024...1_073_741_824, unit: "bytes",
            "Longest request taken."
        ).reloadable(.newConnections),
        integer(
            "rpc.client-bytes-max", \.rpc.clientBytesMax, 1_048_576...1_099_511_627_776, unit: "bytes",
            "Held for one client: answers it has not read, commands queued by MULTI, half a request; past it the "
                + "connection is closed."
        ).reloadable(.newConnections),
        integer(
            "rpc.total-bytes-max", \.rpc.totalBytesMax, 1_048_576...1_099_511_627_776, unit: "bytes",
            "The same for all clients together; past it the connection that holds most is closed."
        ).reloadable(),
        integer(
            "rpc.answer-timeout-s", \.rpc.answerTimeoutSeconds, 1...86_400, unit: "seconds",
            "A client that reads nothing of its waiting answers for this long is closed."
        ).reloadable(.newConnections),
        text(
            "rpc.password", \.rpc.password, allowed: "any text",
            "What AUTH must give; nothing asks for none (the socket's file mode still holds).",
            where: { _ in true }
        ).reloadable(.newConnections).secret(),
        integer(
            "rpc.idle-timeout-s", \.rpc.idleTimeoutSeconds, 0...86_400, unit: "seconds",
            "A connection silent for this long is closed; 0 keeps it."
        ).reloadable(.newConnections),
        integer("rpc.threads", \.rpc.threads, 1...64, "Threads of the RPC server."),
    ]

    private static let http: [ConfigurationKey] = [
        text(
            "http.listen", \.http.listen,
            allowed: "auto, host:port, [IPv6]:port, or nothing to turn it off",
            "Where HTTP is served: dashboard, metrics, health, /v1. auto takes 127.0.0.1:8420 or, where another has that, a "
                + "free port; port 0 always takes a free one.",
            where: isListenAddress),
        text(
            "http.socket", \.http.socket, allowed: "a path of at most 107 bytes, or nothing",
            "Unix socket on which HTTP is served too; nothing for none.",
            where: { $0.utf8.count <= 107 && !$0.utf8.contains(0) }),
        text(
            "http.token", \.http.token, allowed: "any text without blanks",
            "What requests must bring as 'Authorization: Bearer …'; nothing asks for none. Health and the page itself are for "
                + "all.",
            where: { !$0.contains(where: \.isWhitespace) }
        ).secret(),
        integer(
            "http.ready-lag-max", \.http.readyLagMax, 0...Int.max, unit: "events",
            "Events behind the log beyond which /readyz answers 503."),
        integer(
            "http.connections-max", \.http.connectionsMax, 1...65_536, "HTTP connections served at once."),
        integer(
            "http.request-bytes-max", \.http.requestBytesMax, 1_024...1_073_741_824, unit: "bytes",
            "Longest body of a request taken."),
    ]

    private static let log: [ConfigurationKey] = [
        choice("log.level", \.log.level, Configuration.Log.Level.allCases, "Least severe messages written.")
            .reloadable()
    ]

    private static func field(_ name: String, _ path: Path<String>, _ meaning: String) -> Self {
        text(
            "events.fields.\(name)", path, allowed: "1 to 256 bytes, no two fields alike, not 'freshet'",
            "JSON key or CSV column that holds \(meaning).",
            where: { (1...256).contains($0.utf8.count) && $0 != EventEncoder.mark })
    }

    private static let isListenAddress: @Sendable (String) -> Bool = { text in
        if text.isEmpty || text == "auto" { return true }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return false }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        return isBracketed || (!host.isEmpty && !host.contains(":") && !host.contains(where: \.isWhitespace))
    }

    private static let isPath: @Sendable (String) -> Bool = { !$0.isEmpty && !$0.utf8.contains(0) }
}
