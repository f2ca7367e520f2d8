internal import Foundation

/// Which other processes hold locks on a database, read from `/proc/locks` (proc(5)).
///
/// Never by opening one of the files: closing it again would let go of every lock that this process has on it (fcntl(2)),
/// and with them SQLite's.
public enum LockHolders {
    /// A process, and its name where that can be read.
    public struct Holder: Sendable, Equatable, Hashable, CustomStringConvertible {
        public var process: Int32
        public var name: String?

        public var description: String {
            "process \(process)" + (name.map { " (\($0))" } ?? "")
        }
    }

    // Bytes of the -shm file (sqlite.org/walformat.html, "WAL Locks").
    private static let writerByte: ClosedRange<Int64> = 120...120
    private static let readerBytes: ClosedRange<Int64> = 123...127
    /// Bytes of the database itself: pending, reserved and shared (sqlite.org/fileformat.html, "lock-byte page").
    private static let databaseBytes: ClosedRange<Int64> = 0x4000_0000...0x4000_01FF

    /// Those with an open transaction that reads the write-ahead log; empty where the system does not tell.
    public static func readers(of path: String) -> [Holder] {
        holders(of: path + "-shm", bytes: readerBytes)
    }

    /// Those with an open transaction that writes; of a database without a write-ahead log those that read, too.
    public static func writers(of path: String) -> [Holder] {
        holders(of: path + "-shm", bytes: writerByte, writingOnly: true)
            + holders(of: path, bytes: databaseBytes, writingOnly: true)
    }

    static func all(of path: String) -> [Holder] {
        let writers = writers(of: path)
        return writers.isEmpty ? readers(of: path) : writers
    }

    /// `process 4711 (sqlite3)`; `another program` where there is none.
    public static func describe(_ holders: [Holder]) -> String {
        holders.isEmpty ? "another program" : holders.map(\.description).joined(separator: " and ")
    }

    private static func holders(
        of path: String, bytes: ClosedRange<Int64>, writingOnly: Bool = false
    ) -> [Holder] {
        guard let inode = FileIdentity(path: path)?.inode,
            let table = text(ofFile: "/proc/locks")
        else { return [] }
        let processes = table.split(separator: "\n").compactMap { line in
            HeldLock(line).flatMap { lock in
                lock.inode == inode && bytes.overlaps(lock.bytes) && (lock.isWrite || !writingOnly)
                    ? lock.process : nil
            }
        }
        return Set(processes).subtracting([getpid()]).sorted().map { Holder(process: $0, name: name(of: $0)) }
    }

    /// Such files have no length and hand out some lines at a time, so they are read until nothing more comes: Foundation
    /// takes the first part for the whole.
    private static func text(ofFile path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }

    private static func name(of process: Int32) -> String? {
        text(ofFile: "/proc/\(process)/comm").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }
}

/// `1: POSIX  ADVISORY  READ 4711 08:01:1048577 124 124`
struct HeldLock: Equatable {
    var process: Int32
    var inode: UInt64
    var bytes: ClosedRange<Int64>
    var isWrite: Bool

    /// `nil` for a lock that is waited for, of another kind, or of a process that cannot be named.
    init?(_ line: some StringProtocol) {
        let fields = line.split(separator: " ")
        guard fields.count == 8, fields[1] == "POSIX", let process = Int32(fields[4]), process > 0,
            let inode = fields[5].split(separator: ":").last.flatMap({ UInt64($0) }),
            let first = Int64(fields[6])
        else { return nil }
        let last = fields[7] == "EOF" ? Int64.max : Int64(fields[7]) ?? first
        guard first <= last else { return nil }
        (self.process, self.inode, bytes, isWrite) = (process, inode, first...last, fields[3] == "WRITE")
    }
}
