import ClusterMembers
import RESP

/// `CLUSTER` and what belongs to it. Alone the daemon answers as a Redis without cluster support does; as one of several as a
/// Redis Cluster of masters, whose slots are dealt to those who have partitions (see `HashSlots`).
enum ClusterCommands {
    private static let noCluster = CommandError("ERR This instance has cluster support disabled")

    private typealias Answer =
        @Sendable (ClusterView, inout ArgumentReader, CommandEnvironment) throws(CommandError) -> RESPValue

    private static func sub(
        _ name: String, _ summary: String, _ arguments: [ArgumentSpec] = [], answer: @escaping Answer
    ) -> Command {
        Command(
            name, of: "CLUSTER", summary, group: .cluster, flags: [.readonly], arguments: arguments
        ) { arguments, _, environment throws(CommandError) in
            guard let cluster = environment.cluster else { throw noCluster }
            return .reply(try answer(cluster.view, &arguments, environment))
        }
    }

    static let cluster = Command(
        container: "CLUSTER", "Who answers for which users, where this is one of several daemons.",
        group: .cluster,
        subcommands: [
            sub("SLOTS", "Slots, each range with who has it.") { view, _, _ throws(CommandError) in
                .array(
                    ranges(view).map { slots, member in
                        .array([
                            .integer(Int64(slots.lowerBound)), .integer(Int64(slots.upperBound - 1)),
                            .array([
                                .text(member.endpoint.host), .integer(Int64(member.endpoint.port)),
                                .text(member.nodeID), .array([]),
                            ]),
                        ])
                    })
            },
            sub("SHARDS", "Daemons, each with its slots.") { view, _, _ throws(CommandError) in
                .array(
                    zip(view.members, view.slots).map { member, slots in
                        .map([
                            (
                                .text("slots"),
                                .array(
                                    slots.flatMap {
                                        [.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound - 1))]
                                    })
                            ), (.text("nodes"), .array([node(member)])),
                        ])
                    })
            },
            sub("NODES", "Daemons, a line each, in Redis's form.") { view, _, _ throws(CommandError) in
                .verbatim(
                    zip(view.members, view.slots).map { member, slots in
                        line(member, slots: slots) + "\n"
                    }.joined())
            },
            sub("INFO", "Whether every partition is answered for, and by how many.") {
                view, _, _ throws(CommandError) in .verbatim(info(view))
            },
            sub("MYID", "This daemon's name among the others.") { view, _, _ throws(CommandError) in
                .text(view.members.first?.nodeID ?? "")
            },
            sub("KEYSLOT", "A user's slot, as Redis's clients work it out.", [.value("user")]) {
                _, arguments, _ throws(CommandError) in
                .integer(Int64(HashSlots.slot(of: try arguments.bytes("user"))))
            },
            sub(
                "WHERE", "Who answers for a user: an address, or nothing while nobody does.", [.value("user")]
            ) {
                view, arguments, environment throws(CommandError) in
                switch environment.cluster?.place(ofUser: try arguments.bytes("user")) {
                case .here: .text(view.members.first?.address ?? "")
                case .at(let address): .text(address)
                case .moving, nil: .null
                }
            },
            sub("COUNTKEYSINSLOT", "Answers 0: there are no keys.", [.value("slot", .integer)]) {
                _, _, _ throws(CommandError) in .integer(0)
            },
            sub("LINKS", "Answers an empty list.") { _, _, _ throws(CommandError) in .array([]) },
            sub("REPLICAS", "Answers an empty list.", [.value("node")]) {
                _, _, _ throws(CommandError) in .array([])
            },
            sub("SLAVES", "Answers an empty list.", [.value("node")]) {
                _, _, _ throws(CommandError) in .array([])
            },
            sub("NODE", "Refused.", [.value("argument")]) { _, _, _ throws(CommandError) in
                throw .invalid("Kafka's group says who is one of it")
            },
            sub("RESET", "Refused.") { _, _, _ throws(CommandError) in
                throw .invalid("Kafka's group says who is one of it")
            },
            Command(
                "GET", of: "CLUSTER",
                "Answers for another daemon what it is asked over HTTP about a user: the status, and the body.",
                group: .cluster, flags: [.readonly], arguments: [.value("target")]
            ) { arguments, _, environment throws(CommandError) in
                guard environment.cluster != nil, let web = environment.settings.web else { throw noCluster }
                return .lookup(
                    web.lookup(String(decoding: try arguments.bytes("target"), as: UTF8.self)))
            },
            Command(
                "LINK", of: "CLUSTER",
                "Says that another daemon asks: what is not here is answered with MOVED, and not forwarded.",
                group: .cluster, flags: [.readonly]
            ) { _, session, environment throws(CommandError) in
                guard environment.cluster != nil else { throw noCluster }
                session.isMember = true
                return .reply(.simple("OK"))
            },
        ])

    /// Nothing is only read from a replica here, and nothing is ever asked for twice.
    static let modes = ["READONLY", "READWRITE", "ASKING"].map { name in
        Command(
            name, "Answers OK to clients of a cluster.", group: .cluster, flags: [.fast]
        ) { _, _, environment throws(CommandError) in
            guard environment.cluster != nil else { throw noCluster }
            return .reply(.simple("OK"))
        }
    }

    private static func ranges(_ view: ClusterView) -> [(Range<Int>, MemberView)] {
        zip(view.slots, view.members).flatMap { slots, member in slots.map { ($0, member) } }
            .sorted { $0.0.lowerBound < $1.0.lowerBound }
    }

    private static func node(_ member: MemberView) -> RESPValue {
        let (host, port) = member.endpoint
        return .map([
            (.text("id"), .text(member.nodeID)), (.text("port"), .integer(Int64(port))),
            (.text("ip"), .text(host)), (.text("endpoint"), .text(host)), (.text("role"), .text("master")),
            (.text("replication-offset"), .integer(0)), (.text("health"), .text("online")),
        ])
    }

    /// `id ip:port@cport flags master ping-sent pong-recv config-epoch link-state slot...`
    private static func line(_ member: MemberView, slots: [Range<Int>]) -> String {
        let (host, port) = member.endpoint
        let place = "\(host.contains(":") ? "[\(host)]" : host):\(port)@\(port)"
        let ranges = slots.map {
            $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound - 1)"
        }
        return
            (["\(member.nodeID) \(place) \(member.isMyself ? "myself,master" : "master") - 0 0 1 connected"]
            + ranges).joined(separator: " ")
    }

    private static func info(_ view: ClusterView) -> String {
        let isWhole = view.partitions > 0 && view.answered == view.partitions
        let having = view.members.count { !$0.partitions.isEmpty }
        return [
            ("cluster_enabled", "1"), ("cluster_state", isWhole ? "ok" : "fail"),
            ("cluster_slots_assigned", "\(HashSlots.count)"), ("cluster_slots_ok", "\(HashSlots.count)"),
            ("cluster_slots_pfail", "0"), ("cluster_slots_fail", "0"),
            ("cluster_known_nodes", "\(view.members.count)"), ("cluster_size", "\(having)"),
            ("cluster_current_epoch", "1"), ("cluster_my_epoch", "1"),
            // Beside Redis's own.
            ("cluster_partitions", "\(view.partitions)"), ("cluster_partitions_answered", "\(view.answered)"),
        ].map { "\($0.0):\($0.1)\r\n" }.joined()
    }
}
