import Engine
import Foundation
internal import LookUps
import RESP
import Synchronization

/// `INFO`: what `STATUS` says, as text in sections, beside the lines that Redis's clients look for.
enum InfoCommand {
    /// Whose answers these are. Stock clients learn from it which commands they may send.
    private static let redisVersion = "7.2.0"

    static let info = Command(
        "INFO", "What STATUS says, as text in sections.", group: .server, flags: [.readonly],
        arguments: [.values("section").optional()]
    ) { arguments, _, environment throws(CommandError) in
        var wanted = Set(try arguments.rest("section").map { $0.lowercased() })
        if !wanted.isDisjoint(with: ["all", "everything", "default"]) { wanted = [] }
        return .lookup(
            Lookup { [wanted] () throws(LookupError) in .verbatim(text(environment, sections: wanted)) })
    }

    private struct Section {
        var name: String
        var lines: [(name: String, value: String)] = []
    }

    private static func text(_ environment: CommandEnvironment, sections wanted: Set<String>) -> String {
        var sections = redisSections(environment)
        // Names stay whole, because clients put all sections into one dictionary.
        for field in ServerCommands.fields(environment) {
            let name = String(field.name.prefix { $0 != "." })
            let index = sections.firstIndex { $0.name == name }
            if index == nil { sections.append(Section(name: name)) }
            sections[index ?? sections.count - 1].lines.append((field.name, text(field.value)))
        }
        return sections.filter { wanted.isEmpty || wanted.contains($0.name.lowercased()) }
            .map { section in
                let lines = section.lines.map { "\(plain($0.name)):\(plain($0.value))\r\n" }
                return "# \(section.name.prefix(1).uppercased())\(section.name.dropFirst())\r\n"
                    + lines.joined()
            }
            .joined(separator: "\r\n")
    }

    /// Client libraries split values at commas and `=` as if they were maps, and fail where they are none.
    private static func plain(_ text: String) -> String {
        String(text.map { $0 == "," ? ";" : $0 == "=" ? ":" : $0.isNewline ? " " : $0 })
    }

    private static func text(_ value: StatusField.Value) -> String {
        switch value {
        case .integer(let number): String(number)
        case .double(let number): number.isFinite ? number.description : ""
        case .text(let text): text
        case .bool(let flag): flag ? "1" : "0"
        }
    }

    /// As a Redis without keys or replicas has them.
    private static func redisSections(_ environment: CommandEnvironment) -> [Section] {
        let options = environment.settings
        let counts = environment.clients.counts
        let commands = environment.counters.commands.load(ordering: .relaxed)
        let uptime = environment.startedAt.duration(to: .now).components.seconds
        let process = ProcessInfo.processInfo
        return [
            Section(
                name: "server",
                lines: [
                    ("freshet_version", options.version), ("redis_version", redisVersion),
                    ("redis_mode", environment.cluster == nil ? "standalone" : "cluster"),
                    ("os", process.operatingSystemVersionString),
                    ("arch_bits", String(Int.bitWidth)), ("process_id", String(process.processIdentifier)),
                    ("tcp_port", "0"), ("uptime_in_seconds", String(uptime)),
                    ("uptime_in_days", String(uptime / 86_400)),
                ]),
            Section(
                name: "clients",
                lines: [
                    ("connected_clients", String(counts.open)),
                    ("maxclients", String(counts.max)),
                    ("blocked_clients", "0"), ("tracking_clients", "0"),
                ]),
            Section(
                name: "memory",
                lines: [
                    ("used_memory", String(ResidentMemory.bytes ?? 0)), ("maxmemory", "0"),
                    ("mem_clients_normal", String(environment.clients.heldBytes)),
                ]),
            Section(name: "persistence", lines: [("loading", "0"), ("aof_enabled", "0")]),
            Section(
                name: "stats",
                lines: [
                    ("total_connections_received", String(counts.accepted)),
                    ("total_commands_processed", String(commands)),
                    ("rejected_connections", String(counts.rejected)),
                ]),
            Section(
                name: "replication",
                lines: [
                    ("role", "master"), ("connected_slaves", "0"), ("master_failover_state", "no-failover"),
                    ("master_repl_offset", "0"),
                ]),
            Section(name: "cluster", lines: [("cluster_enabled", environment.cluster == nil ? "0" : "1")]),
            Section(name: "keyspace"),
        ]
    }
}
