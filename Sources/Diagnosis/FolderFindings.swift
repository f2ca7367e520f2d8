import Foundation
import Generations
import Settings

#if canImport(Glibc)
    import Glibc
#endif

/// The state's folder: whether it is there, whose it is, and how much room its disk has.
struct FolderFindings {
    private static let mebibyte: Int64 = 1 << 20
    /// Below this a checkpoint of the smallest state may fail.
    static let leastFree = 64 * mebibyte
    /// Below this somebody should see to it.
    static let comfortableFree = 1024 * mebibyte

    private let folder: String
    private let configuration: Configuration

    init(_ configuration: Configuration) {
        self.configuration = configuration
        folder = configuration.state.folder
    }

    var all: [Finding] {
        var isFolder = ObjCBool(false)
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else { return missing }
        guard isFolder.boolValue else {
            return [.error("rights", "state.folder '\(folder)' is no folder", "name another state.folder")]
        }
        return [rights, room(at: folder)]
    }

    /// The folder is made at the first start, where that is allowed.
    private var missing: [Finding] {
        var parent = URL(filePath: folder).standardizedFileURL.deletingLastPathComponent()
        while parent.path != "/", !FileManager.default.fileExists(atPath: parent.path) {
            parent.deleteLastPathComponent()
        }
        guard access(parent.path, W_OK | X_OK) == 0 else {
            return [
                .error(
                    "rights",
                    "state.folder '\(folder)' does not exist, and \(user) may not make it in \(parent.path)",
                    "make it and give it to the daemon's user: install -d -m 750 -o USER '\(folder)'")
            ]
        }
        return [
            .ok("rights", "state.folder '\(folder)' does not exist yet; the daemon makes it"),
            room(at: parent.path),
        ]
    }

    private var user: String { "user \(NSUserName())" }

    private var rights: Finding {
        guard access(folder, R_OK | W_OK | X_OK) == 0 else {
            return .error(
                "rights", "\(user) may not write in state.folder '\(folder)'",
                "run this and the daemon as its owner, or give it to the daemon's user: chown USER '\(folder)'"
            )
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let ours = names.filter {
            ["lock", "state.sqlite", "log.sqlite"].contains($0) || $0.hasSuffix("-wal")
        }
        let refused = ours.sorted().filter { access("\(folder)/\($0)", R_OK | W_OK) != 0 }
        guard refused.isEmpty else {
            return .error(
                "rights", "\(user) may not write \(refused.joined(separator: ", ")) in '\(folder)'",
                "chown the files to the daemon's user; they were made by another one, perhaps by root")
        }
        if Self.mode(of: folder) & 0o007 != 0, Self.mode(of: folder + "/state.sqlite") & 0o004 != 0 {
            return .warning(
                "rights", "everybody on this machine can read what was learned of people in '\(folder)'",
                "chmod o= '\(folder)'")
        }
        if getuid() == 0, Self.owner(of: folder) != 0 {
            return .ok("rights", "'\(folder)' is of another user; asked as root, who may everything")
        }
        return .ok("rights", "\(user) may write in '\(folder)'")
    }

    private static func mode(of path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode : 0
    }

    private static func owner(of path: String) -> uid_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_uid : nil
    }

    // MARK: - Room

    private func room(at path: String) -> Finding {
        var system = statvfs()
        guard statvfs(path, &system) == 0 else {
            return .warning("disk", "the room at '\(path)' cannot be asked for", "look at it with df")
        }
        if system.f_flag & UInt(ST_RDONLY) != 0 {
            return .error(
                "disk", "the file system of '\(path)' is mounted read-only",
                "mount it writable; see dmesg for why")
        }
        if system.f_files > 0, system.f_favail < 16 {
            return .error(
                "disk", "the file system of '\(path)' has no file left (inodes)", "remove files there")
        }
        let free = Int64(clamping: UInt64(system.f_bavail) * UInt64(system.f_frsize))
        let kept =
            ByteText.length(of: "\(path)/state.sqlite") + ByteText.length(of: "\(path)/log.sqlite")
            + GenerationFolder(of: "\(path)/state.sqlite").bytes
        return Self.room(free: free, kept: kept, at: path)
    }

    /// - Parameter kept: bytes of the state, of its copies and of the embedded log, which all grow.
    static func room(free: Int64, kept: Int64, at path: String) -> Finding {
        let found =
            "\(ByteText.text(free)) free at '\(path)'"
            + (kept > 0 ? ", \(ByteText.text(kept)) kept there" : "")
        if free < leastFree {
            return .error(
                "disk", found, "free some: without room checkpoints fail, and the embedded log refuses events"
            )
        }
        // A checkpoint of every row writes as much again into the write-ahead log before it is folded in.
        guard free >= max(kept, comfortableFree) else {
            return .warning(
                "disk", found,
                "free some, or bound what is kept: source.embedded.retain-events, checkpoint.keep, engine.users-max, engine.items-max"
            )
        }
        return .ok("disk", found)
    }
}

/// Bytes as people read them.
enum ByteText {
    /// Of the file at `path`; 0 where there is none.
    static func length(of path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// `1.5 GiB`.
    static func text(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, place) = (Double(bytes), 0)
        while value >= 1024, place < units.count - 1 { (value, place) = (value / 1024, place + 1) }
        let digits = place > 0 && value < 10 ? 1 : 0
        return String(format: "%.\(digits)f %@", value, units[place])
    }
}
