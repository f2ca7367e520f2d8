import Engine
import Instruments
import Vitals

/// What STATUS and MODELS tell, as Prometheus has it: the same numbers under its names, and in its base units.
///
/// A field of STATUS that no line here names is no metric.
struct StatusMetrics {
    private typealias Sample = (labels: [(String, String)], value: PrometheusText.Value)

    /// A metric of one field, or of all fields of a form: the part of the name that `*` stands for becomes a label.
    private struct Line {
        var field: String
        var metric: String
        var help: String
        var isCounter = false
        var scale = 1.0
        /// Beside the one that `*` stands for.
        var labels: [(String, String)] = []
        var variable: String?

        /// What `*` stands for in a field's name; `nil` where the name is of another form.
        func value(in name: String) -> Substring? {
            let halves = field.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { return name == field ? "" : nil }
            guard name.hasPrefix(halves[0]), name.hasSuffix(halves[1]),
                name.count > halves[0].count + halves[1].count
            else { return nil }
            let value = name.dropFirst(halves[0].count).dropLast(halves[1].count)
            return value.contains(".") ? nil : value
        }
    }

    private static func count(
        _ field: String, _ metric: String, _ help: String, _ labels: [(String, String)] = [],
        by variable: String? = nil, scale: Double = 1
    ) -> Line {
        Line(
            field: field, metric: "freshet_\(metric)_total", help: help, isCounter: true, scale: scale,
            labels: labels, variable: variable)
    }

    private static func level(
        _ field: String, _ metric: String, _ help: String, _ labels: [(String, String)] = [],
        by variable: String? = nil, scale: Double = 1
    ) -> Line {
        Line(
            field: field, metric: "freshet_\(metric)", help: help, scale: scale, labels: labels,
            variable: variable)
    }

    private static func event(_ field: String, _ kind: String, _ outcome: String) -> Line {
        count(
            "events.\(field)", "events",
            "Events taken from the log, by kind and by what became of them; kind is any where nothing was learned of it.",
            [("kind", kind), ("outcome", outcome)])
    }

    private static let lines: [Line] = [
        event("ratings", "rating", "applied"), event("signals", "signal", "applied"),
        event("retractions", "retraction", "applied"), event("hides", "hide", "applied"),
        event("unhides", "unhide", "applied"), event("forgets", "forget", "applied"),
        event("descriptions", "description", "applied"), event("duplicates", "any", "duplicate"),
        event("refused", "any", "refused"), event("dead-letters", "any", "dead_letter"),
        event("skipped", "any", "skipped"), event("tombstones", "any", "tombstone"),
        count("events.late", "events_late", "Events older, by their own time, than what was known."),
        count("events.dropped", "history_entries_dropped", "History entries dropped at engine.history-max."),
        count("events.evicted", "users_evicted", "Users erased at engine.users-max."),
        count("events.log-changes", "log_changes", "How often a partition was found to be of another log."),
        level("events.in-memory", "queue_events", "Events taken from the log and not learned yet."),
        level("lag.*", "lag_events", "Events of the log that are not learned yet.", by: "partition"),
        level("position.*", "position_offset", "Next offset to learn from.", by: "partition"),
        level("log.reachable", "log_reachable", "Whether the log can be reached."),
        level("dead-letters.waiting", "dead_letters_waiting", "Malformed events not put aside yet."),
        count(
            "dead-letters.cut", "dead_letters_lost", "Dead letters stored in part or not at all.",
            [("how", "cut")]),
        count(
            "dead-letters.dropped", "dead_letters_lost", "Dead letters stored in part or not at all.",
            [("how", "dropped")]),
        level("users.count", "rows", "Users and items known.", [("table", "users")]),
        level("items.count", "rows", "Users and items known.", [("table", "items")]),
        count("lookups.*", "scans", "Passes over the catalogue, by how they were made.", by: "path"),
        count("stage.*-s", "stage_seconds", "Where the time of learning went.", by: "stage"),
        count("checkpoint.written", "checkpoints", "Checkpoints, by outcome.", [("outcome", "written")]),
        count("checkpoint.failed", "checkpoints", "Checkpoints, by outcome.", [("outcome", "failed")]),
        level("checkpoint.last-rows", "checkpoint_rows", "Rows of the last checkpoint."),
        level(
            "checkpoint.last-ms", "checkpoint_duration_seconds", "What the last checkpoint took.", scale: 1e-3
        ),
        level(
            "checkpoint.last-pause-ms", "checkpoint_pause_seconds",
            "For how long learning stood still for the last checkpoint.", scale: 1e-3),
        level("checkpoint.age-s", "checkpoint_age_seconds", "Since the last checkpoint."),
        level("generations.count", "generations", "Copies of the state to go back to."),
        level("generations.bytes", "generations_bytes", "Length of all copies of the state."),
        level(
            "generations.newest-age-s", "generation_age_seconds",
            "Since the newest copy of the state was made."),
        count(
            "generations.made", "generations_attempts", "Copies of the state, by outcome.",
            [("outcome", "made")]),
        count(
            "generations.failed", "generations_attempts", "Copies of the state, by outcome.",
            [("outcome", "failed")]),
        level(
            "generations.erasing", "generations_erasing",
            "Forgotten users who are still to be erased from copies."),
        level("state.file-bytes", "state_file_bytes", "Length of the state's file."),
        level("state.disk-free-bytes", "disk_free_bytes", "Room on the disk of the state's file."),
        level(
            "state.wal-bytes", "write_ahead_log_bytes", "Length of a write-ahead log.", [("file", "state")]),
        level("log.wal-bytes", "write_ahead_log_bytes", "Length of a write-ahead log.", [("file", "log")]),
        level("memory.*-bytes", "memory_bytes", "Memory, by what it is for.", by: "part"),
        level("rpc.connections", "connections", "Connections open.", [("server", "rpc")]),
        level("http.connections", "connections", "Connections open.", [("server", "http")]),
        count(
            "rpc.connections.accepted", "connections_accepted", "Connections accepted.", [("server", "rpc")]),
        count(
            "http.connections.accepted", "connections_accepted", "Connections accepted.",
            [("server", "http")]),
        count(
            "rpc.connections.rejected", "connections_rejected", "Connections refused at the bound.",
            [("server", "rpc")]),
        count(
            "http.connections.rejected", "connections_rejected", "Connections refused at the bound.",
            [("server", "http")]),
        count(
            "rpc.connections.cut-off", "connections_cut_off",
            "Connections closed without their client's doing.",
            [("server", "rpc")]),
        count(
            "http.connections.cut-off", "connections_cut_off",
            "Connections closed without their client's doing.", [("server", "http")]),
        level("rpc.held-bytes", "connections_held_bytes", "Bytes held for clients of the RPC."),
        level("http.viewers", "viewers", "Streams followed."),
        level("rpc.tls.ends-at", expiry, expiryHelp, [("server", "rpc")]),
        level("http.tls.ends-at", expiry, expiryHelp, [("server", "http")]),
        count(
            "access.refused.*", "access_refused", "Commands and requests refused, by why.", by: "why"),
        count("rpc.commands", "commands", "Commands of the RPC."),
        count("rpc.commands.refused", "commands_refused", "Commands of the RPC that were refused."),
        count(
            "rpc.commands.forwarded", "commands_elsewhere",
            "Commands about users of other daemons, by how they were answered.", [("answer", "forwarded")]),
        count(
            "rpc.commands.moved", "commands_elsewhere",
            "Commands about users of other daemons, by how they were answered.", [("answer", "moved")]),
        count(
            "rpc.commands.try-again", "commands_elsewhere",
            "Commands about users of other daemons, by how they were answered.", [("answer", "try_again")]),
        count(
            "http.forwarded", "requests_forwarded",
            "HTTP requests about users of other daemons, which have answered them."),
        level("cluster.members", "cluster_members", "Daemons of the group that are heard of, this one too."),
        level(
            "cluster.partitions.all", "cluster_partitions",
            "Partitions of the events, and those answered for.",
            [("of", "all")]),
        level(
            "cluster.partitions.answered", "cluster_partitions",
            "Partitions of the events, and those answered for.", [("of", "answered")]),
        count("cluster.bytes-sent", "cluster_sent_bytes", "Bytes told to other daemons, users' too."),
        count("cluster.bytes-received", "cluster_received_bytes", "Bytes heard of items."),
        level(
            "cluster.peer.*.items-age-s", "cluster_items_age_seconds",
            "Since another daemon last told anything of items.", by: "member"),
        level(
            "cluster.standby.*.lag-events", "cluster_standby_lag_events",
            "Events that a copy of another daemon's partition is behind what is committed.", by: "partition"),
        level("cluster.standby.ready", "cluster_standby_copies", "Copies of partitions that are whole."),
        level("cluster.standby.bytes", "cluster_standby_bytes", "Bytes of these on disk."),
        count(
            "cluster.standby.takeovers", "cluster_standby_takeovers",
            "Partitions taken over with the help of a copy."),
    ]

    /// Of each model; the label is added.
    private static let modelLines: [Line] = [
        count("updates", "model_updates", "Updates learned."),
        count("rejected", "model_updates_rejected", "Updates that the guard dropped."),
        level("unhealthy", "model_unhealthy", "Whether the guard drops too many of the model's updates."),
        level("scored", "model_scored_events", "Events in the window of the live score."),
        level("rmse", "model_score", scoreHelp, [("measure", "rmse"), ("of", "model")]),
        level("rmse-means", "model_score", scoreHelp, [("measure", "rmse"), ("of", "means")]),
        level("recall@10", "model_score", scoreHelp, [("measure", "recall_10"), ("of", "model")]),
        level(
            "recall@10-popularity", "model_score", scoreHelp,
            [("measure", "recall_10"), ("of", "popularity")]),
        level("loses-to-means", "model_loses", losesHelp, [("baseline", "means")]),
        level("loses-to-popularity", "model_loses", losesHelp, [("baseline", "popularity")]),
    ]

    private static let expiry = "tls_certificate_expiry_timestamp_seconds"
    private static let expiryHelp = "When the certificate that is shown now ends, since 1970."

    /// What `*` may stand for and what adds up other fields: Prometheus adds up by itself, and would count twice.
    private static let sums: Set = ["total", "sum", "resident"]

    private static let scoreHelp =
        "Live score over the window, of the model and of its baseline on the same events."
    private static let losesHelp = "Whether the model is worse than its baseline by more than noise."

    /// Adds the families to `text`.
    static func write(_ status: [StatusField], _ models: [ModelStatus], to text: inout PrometheusText) {
        var families: [(name: String, help: String, samples: [Sample])] = []
        func add(_ line: Line, _ labels: [(String, String)], _ number: Double) {
            let value = number * line.scale
            let sample: Sample = (labels, line.isCounter ? .counter(value) : .gauge(value))
            if let place = families.firstIndex(where: { $0.name == line.metric }) {
                families[place].samples.append(sample)
            } else {
                families.append((line.metric, line.help, [sample]))
            }
        }
        for field in status {
            guard let number = [field].number(field.name) else { continue }
            for line in lines {
                guard let value = line.value(in: field.name), !sums.contains(String(value)) else { continue }
                add(line, line.labels + (line.variable.map { [($0, String(value))] } ?? []), number)
                break
            }
        }
        for model in models {
            for line in modelLines {
                guard let number = model.fields.number(line.field) else { continue }
                add(line, [("model", model.name)] + line.labels, number)
            }
            let standard = level(
                "default", "model_default", "Whether look-ups that name no model ask this one.")
            add(standard, [("model", model.name)], model.isDefault ? 1 : 0)
        }
        for family in families.sorted(by: { $0.name < $1.name }) {
            text.family(family.name, help: family.help, family.samples)
        }
    }
}
