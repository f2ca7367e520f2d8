// Generations: earlier copies of a state, to go back to.
//
// Here live the folder of copies beside a state's file, how a copy is made while the daemon learns, which ones stay, who is
// erased from them, and going back to one. What comes in is the path of a state's file, and that there was a checkpoint.
// What never comes in: the log, batches, and what a file's tables are (`Checkpoints` has those).

public import Checkpoints
internal import Foundation
internal import KillPoints

/// A copy of a state, of one moment.
public struct Generation: Sendable, Equatable {
    /// Say `2026-11-26T105000Z-40300`: when it was made, in UTC, and the sum of its positions.
    public let name: String
    /// Of the folder that it is in.
    public let folder: String
    /// When it was made, seconds since 1970.
    public let time: Int64

    public var path: String { "\(folder)/\(name)\(Self.suffix)" }

    static let suffix = ".sqlite"

    /// - Parameter file: a name in the folder; `nil` where it is none of a generation.
    init?(file: String, in folder: String) {
        guard file.hasSuffix(Self.suffix) else { return nil }
        let name = String(file.dropLast(Self.suffix.count))
        guard let mark = name.lastIndex(of: "-"), Int64(name[name.index(after: mark)...]) != nil,
            let time = Self.time(of: String(name[..<mark]))
        else { return nil }
        (self.name, self.folder, self.time) = (name, folder, time)
    }

    /// - Parameter time: seconds since 1970.
    init(time: Int64, positions: [Int32: Int64], in folder: String) {
        self.time = time
        self.folder = folder
        name = "\(Self.text(of: time))-\(Self.sum(positions))"
    }

    private static func sum(_ positions: [Int32: Int64]) -> Int64 { positions.values.reduce(0) { $0 &+ $1 } }

    /// Whether it is of these positions, as far as its name tells.
    func isAt(_ positions: [Int32: Int64]) -> Bool { name.hasSuffix("-\(Self.sum(positions))") }

    /// Bytes on disk.
    public var bytes: Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// `2026-11-26T105000Z`, without colons, which some file systems and shells take for something else.
    private static func text(of time: Int64) -> String {
        var (seconds, parts) = (time_t(time), tm())
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02dT%02d%02d%02dZ", Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1,
            Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
    }

    private static func time(of text: String) -> Int64? {
        let digits = text.filter(\.isNumber).compactMap(\.wholeNumberValue)
        guard text.utf8.count == 18, digits.count == 14 else { return nil }
        func number(_ range: Range<Int>) -> Int32 { Int32(digits[range].reduce(0) { $0 * 10 + $1 }) }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (
            number(0..<4) - 1900, number(4..<6) - 1, number(6..<8)
        )
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (number(8..<10), number(10..<12), number(12..<14))
        let time = Int64(timegm(&parts))
        return self.text(of: time) == text ? time : nil
    }
}

/// The folder of generations beside a state's file.
public struct GenerationFolder: Sendable {
    /// Of the state's file.
    public let statePath: String
    public let path: String

    /// Of copies that are being made: one of such a name is never taken for a generation.
    private static let partSuffix = ".part"

    /// - Parameter statePath: of the state's file, which need not be there.
    public init(of statePath: String) {
        self.statePath = statePath
        let folder = (statePath as NSString).deletingLastPathComponent
        path = (folder.isEmpty ? "." : folder) + "/" + StateFile.copiesFolder
    }

    /// The newest first.
    public var all: [Generation] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return files.compactMap { Generation(file: $0, in: path) }
            .sorted { ($0.time, $0.name) > ($1.time, $1.name) }
    }

    public var bytes: Int64 { all.reduce(0) { $0 + $1.bytes } }

    /// A state's file of no bytes would be taken for a new one, and all be learned anew: not where there was one before.
    public func refuseEmptied() throws(StateError) {
        var status = stat()
        guard stat(statePath, &status) == 0, status.st_size == 0, !all.isEmpty else { return }
        throw StateError(
            .damaged,
            "'\(statePath)' is empty, and there are generations of it. Move it away to learn all anew from the log"
        )
    }

    /// By its name; `newest` for the newest one.
    public func generation(named name: String) -> Generation? {
        let all = all
        return name == "newest" ? all.first : all.first { $0.name == name }
    }

    /// The newest one in which nothing is wrong. Reads as many as it takes.
    public var newestWhole: Generation? {
        all.first { (try? StateFile.verify(path: $0.path))?.problems.isEmpty == true }
    }

    /// Copies that nobody finished.
    func removeParts() {
        for file in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        where file.contains(Self.partSuffix) {
            try? FileManager.default.removeItem(atPath: "\(path)/\(file)")
        }
    }

    func remove(_ generation: Generation) {
        for suffix in ["-journal", "-wal", "-shm", ""] {
            try? FileManager.default.removeItem(atPath: generation.path + suffix)
        }
    }

    /// The oldest beyond so many go.
    func prune(keeping count: Int) {
        for generation in all.dropFirst(max(0, count)) { remove(generation) }
    }

    /// Makes a generation: under another name until it is whole, looked at and durable.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - copy: copies the state's file to a path, and says whether it did.
    /// - Returns: `nil` where `copy` did not.
    /// - Throws: `.damaged` where the copy is not sound, and so neither is what was copied; or what SQLite says.
    func make(
        now: Int64, copy: (_ path: String) throws(StateError) -> Bool
    ) throws(StateError) -> Generation? {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw StateError(.unwritable, "'\(path)' cannot be made (\(error.localizedDescription))")
        }
        let part = "\(path)/\(now)\(Self.partSuffix)"
        guard try copy(part) else { return nil }
        let found: StateVerification
        do {
            found = try StateFile.verify(path: part)
        } catch {
            unlink(part)
            throw error
        }
        guard found.problems.isEmpty else {
            unlink(part)
            throw StateError(
                .damaged,
                "'\(statePath)' is damaged: \(found.problems.prefix(3).joined(separator: "; ")). What is in memory is as it "
                    + "was; see `freshet checkpoint list` for what there is to go back to")
        }
        let generation = unused(at: now, found.positions)
        KillPoint.generationWhole.reach()
        try StateFile.renameDurably(part, to: generation.path)
        return generation
    }

    /// A name that none has yet. Two within one second may stand at the same positions and differ all the same, as a file does
    /// before and after it is brought to this version: neither takes the other's place.
    private func unused(at now: Int64, _ positions: [Int32: Int64]) -> Generation {
        var generation = Generation(time: now, positions: positions, in: path)
        while FileManager.default.fileExists(atPath: generation.path) {
            generation = Generation(time: generation.time + 1, positions: positions, in: path)
        }
        return generation
    }

    /// A generation of a file that nobody has open: before it is changed.
    @discardableResult
    public func make() throws(StateError) -> Generation? {
        try make(now: Int64(Date().timeIntervalSince1970)) { part throws(StateError) in
            try StateFile.durableCopy(of: statePath, to: part)
            return true
        }
    }
}
