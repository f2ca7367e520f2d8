import Foundation
import Settings

#if canImport(Glibc)
    import Glibc
#endif

/// What the system lets one process have. Of a running daemon its own bounds are told, else those of this process.
struct LimitFindings {
    private let configuration: Configuration
    private let daemon: RunningDaemon

    init(_ configuration: Configuration, daemon: RunningDaemon) {
        self.configuration = configuration
        self.daemon = daemon
    }

    var all: [Finding] { [files, memory] }

    /// As /proc has them: name, soft and hard bound.
    private func limit(_ name: String) -> (soft: UInt64, hard: UInt64)? {
        let process = daemon.number("server.pid").map(String.init) ?? "self"
        let text =
            (try? String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8))
            ?? (try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8)) ?? ""
        return Self.limit(name, in: text)
    }

    static func limit(_ name: String, in text: String) -> (soft: UInt64, hard: UInt64)? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        let numbers = line.dropFirst(name.count).split(separator: " ").prefix(2).map { UInt64($0) ?? .max }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }

    private var files: Finding {
        // What state, log, brokers and event loops take beside connections.
        let wanted = UInt64(configuration.rpc.connectionsMax + configuration.http.connectionsMax + 256)
        if let sizes = limit("Max file size"), sizes.soft != .max {
            return .warning(
                "limits", "files may be no longer than \(ByteText.text(Int64(clamping: sizes.soft)))",
                "raise it (LimitFSIZE, ulimit -f): past it checkpoints fail as on a full disk")
        }
        guard let open = limit("Max open files") else { return .ok("limits", "unknown on this system") }
        guard open.hard >= wanted else {
            return .warning(
                "limits", "at most \(open.hard) open files, and the connections allowed want \(wanted)",
                "raise it (LimitNOFILE, ulimit -n), or lower rpc.connections-max")
        }
        return .ok(
            "limits", "\(open.hard == .max ? "any number of" : "\(open.hard)") open files, \(wanted) wanted")
    }

    // MARK: - Memory

    private var memory: Finding {
        let group = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8)
        let machine = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        let state = configuration.state.folder + "/state.sqlite"
        return Self.memory(
            resident: daemon.number("memory.resident-bytes"), stateBytes: ByteText.length(of: state),
            group: group.flatMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) },
            available: Self.available(in: machine))
    }

    static func available(in text: String) -> Int64? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }) else {
            return nil
        }
        return line.split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 * 1024 }
    }

    /// - Parameters:
    ///   - resident: of the running daemon.
    ///   - stateBytes: length of the state's file. In memory a state takes about as much, its published index as much again.
    static func memory(resident: Int64?, stateBytes: Int64, group: Int64?, available: Int64?) -> Finding {
        let bound = [group, available.map { $0 + (resident ?? 0) }].compactMap(\.self).min()
        guard let bound else { return .ok("memory", "unknown on this system") }
        let wanted = max(resident ?? 0, 2 * stateBytes)
        let found =
            "\(ByteText.text(bound)) may be had"
            + (resident.map { ", the daemon has \(ByteText.text($0))" }
                ?? (stateBytes > 0 ? ", the state wants some \(ByteText.text(wanted))" : ""))
        guard wanted < bound else {
            return .error(
                "memory", found,
                "grant more (MemoryMax of the unit), or bound engine.users-max and engine.items-max")
        }
        guard wanted < bound * 8 / 10 else {
            return .warning(
                "memory", found, "grant more before it grows, or bound engine.users-max and engine.items-max")
        }
        return .ok("memory", found)
    }
}
