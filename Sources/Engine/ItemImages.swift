public import Checkpoints
internal import ClusterItems
internal import ClusterMembers
public import EventLog
internal import Foundation
public import Logging

/// Beginning with what another member has told of all items (`Engine+ItemImages`): before the state's file is opened.
public enum ItemImages {
    /// Beside the state's file: it lacks what is no longer kept of what others have told of items.
    private static let outdatedSuffix = "-outdated"
    /// Such a file, once there is an image in its place.
    private static let asideSuffix = "-before-image"
    /// Records that are looked at for where the newest image is: each member says it every few seconds, and with each commit.
    private static let lookedAt: [Int64] = [50, 1_000]
    private static let patience: Duration = .seconds(20)

    /// Makes the state's file of the newest image where there is none, or where the last run found it too old; users come from their
    /// changelogs then. Where there is no image, or nobody answers, nothing is done.
    ///
    /// - Parameters:
    ///   - path: of the state's file.
    ///   - identity: of the state that is wanted; an image of another one is of no use.
    public static func begin(
        at path: String, identity: StateIdentity, _ topics: any ClusterTopics, logger: Logger
    ) -> ClusterOptions.Beginning {
        let isThere = FileManager.default.fileExists(atPath: path)
        let isMarked = FileManager.default.fileExists(atPath: path + outdatedSuffix)
        guard !isThere || isMarked else { return .settled }
        defer { if isMarked { try? FileManager.default.removeItem(atPath: path + outdatedSuffix) } }
        let found: ItemImagePlace?
        let isWhole: Bool
        do throws(EventLogError) {
            found = try newest(topics)
            isWhole = try topics.itemsRange().lowerBound == 0
        } catch {
            return .unasked
        }
        guard let image = found else {
            if !isWhole {
                logger.warning(
                    "some of what was told of items is no longer kept, and there is no image of it: this daemon knows less of them than others (cluster.image-interval-s)"
                )
            }
            return .settled
        }
        do {
            try take(image, topics, to: path, identity)
            logger.notice(
                "begins with what another daemon has told of all items",
                metadata: [
                    "bytes": "\(image.bytes)", "told-at-ms": "\(image.at)",
                    "state-before": "\(isThere ? path + asideSuffix : "none")",
                ])
        } catch {
            logger.warning(
                "what another daemon has told of all items cannot be had",
                metadata: [
                    "error": "\(error)",
                    "instead": isThere ? "the state's file" : "all that is kept of what was told",
                ])
            return .failed
        }
        return .settled
    }

    /// The next start begins with an image.
    static func markOutdated(_ path: String) {
        _ = FileManager.default.createFile(atPath: path + outdatedSuffix, contents: nil)
    }

    private static func take(
        _ image: ItemImagePlace, _ topics: any ClusterTopics, to path: String, _ identity: StateIdentity
    ) throws {
        let target = path + "-image"
        StateFile.remove(target)
        defer { StateFile.remove(target) }
        try fetch(image, topics, to: target)
        // Refused here, where a member may go on without it.
        try StateFile(path: target, identity: identity).close()
        // All in the older one is in the topics; where somebody has deleted these, it is the last to know its users.
        try StateFile.replace(path, by: target, keepingOldAs: path + asideSuffix)
    }

    // MARK: - Reading

    /// - Returns: the newest of those that are kept whole, with all that was told since; `nil` where there is none.
    static func newest(_ topics: any ClusterTopics) throws(EventLogError) -> ItemImagePlace? {
        let range = try topics.itemsRange()
        let deadline = ContinuousClock.now + patience
        for count in lookedAt where !range.isEmpty {
            let start =
                count < range.upperBound - range.lowerBound ? range.upperBound - count : range.lowerBound
            var newest: ItemImagePlace?
            try read(topics, from: start, upTo: range.upperBound) { value in
                guard .now < deadline else { return false }
                // Of two that were told one after the other the newer one may have been made of an older file.
                guard let place = MemberRecord(value)?.image, place.isNewer(than: newest),
                    range.contains(min(place.next, place.from))
                else { return true }
                newest = place
                return true
            }
            if let newest { return newest }
            if start == range.lowerBound { break }
        }
        return nil
    }

    private static func fetch(
        _ image: ItemImagePlace, _ topics: any ClusterTopics, to path: String
    ) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw StateError(.unwritable, "'\(path)' cannot be made")
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var next = 0
        var failure: (any Error)?
        try read(topics, from: image.from, upTo: try topics.itemsRange().upperBound) { value in
            guard ItemImagePiece.isOne(value) else { return true }
            do {
                let piece = try ItemImagePiece(value)
                // A producer that repeats what was not answered may say one twice.
                guard piece.image == image.image, piece.number >= next else { return true }
                guard piece.number == next else { throw WireError(description: "piece \(next) is missing") }
                try file.write(contentsOf: piece.bytes)
                next += 1
            } catch {
                failure = error
            }
            return failure == nil && next < image.pieces
        }
        if let failure { throw failure }
        guard next == image.pieces else {
            throw WireError(description: "\(next) of \(image.pieces) pieces are there")
        }
    }

    /// Calls `body` with each value up to this offset, as long as it says so.
    private static func read(
        _ topics: any ClusterTopics, from start: Int64, upTo end: Int64, _ body: ([UInt8]) -> Bool
    ) throws(EventLogError) {
        var deadline = ContinuousClock.now + patience
        var isLate = false
        try topics.readItems(from: start) { values, next, isEnd in
            for value in values {
                guard body(value) else { return false }
            }
            if !values.isEmpty { deadline = .now + patience }
            isLate = .now > deadline
            return next < end && !isEnd && !isLate
        }
        if isLate { throw EventLogError(.unreachable, "what is told of items cannot be read to its end") }
    }
}

/// An image on its way: what a state's file has of items, in a file of its own that goes with this. Of one thread.
final class ImageFile {
    let bytes: Int
    /// Of what is told of items.
    let next: Int64
    private let path: String
    private let handle: FileHandle

    /// - Parameter isWanted: asked again and again.
    /// - Throws: where nothing was committed yet that somebody could begin with, or it is wanted no longer, or what the files say.
    init(_ path: String, of state: StateFile, while isWanted: () -> Bool) throws {
        self.path = path
        // Looked at first: to write the file takes seconds.
        guard try StateFile.scalar(Membership.scalarName, path: state.path) != nil else {
            throw StateError(.mismatch, "'\(state.path)' is not yet that of one of several")
        }
        var membership: Membership?
        let scalar = { (name: String, value: Scalar) -> Scalar? in
            guard case (Membership.scalarName, .blob(let data)) = (name, value) else {
                return Membership.isOfUsers(scalar: name) ? nil : value
            }
            membership = (try? JSONDecoder().decode(Membership.self, from: data))?.image
            return membership.flatMap { try? JSONEncoder().encode($0) }.map { .blob($0) }
        }
        guard try state.writeItems(to: path, scalar: scalar, while: isWanted) else {
            throw EventLogError(.closed, "this daemon stops")
        }
        do {
            guard let next = membership?.itemsNext else {
                throw StateError(.mismatch, "'\(state.path)' has heard nothing of the others yet")
            }
            self.next = next
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            // Read by its handle alone, it leaves nothing behind however this process ends.
            StateFile.remove(path)
            bytes = Int(try handle.seekToEnd())
        } catch {
            StateFile.remove(path)
            throw error
        }
    }

    func read(_ count: Int, at offset: Int) throws(EventLogError) -> [UInt8] {
        do {
            try handle.seek(toOffset: UInt64(offset))
            guard let data = try handle.read(upToCount: count), !data.isEmpty else {
                throw EventLogError(.damaged, "'\(path)' ends too early")
            }
            return Array(data)
        } catch {
            throw error as? EventLogError
                ?? EventLogError(.damaged, "'\(path)': \(error.localizedDescription)")
        }
    }

    deinit { try? handle.close() }
}

extension Membership {
    /// By which the state's file has it.
    static let scalarName = "cluster"

    /// What is remembered of the log is of the partitions that its member has.
    static func isOfUsers(scalar name: String) -> Bool { name.hasPrefix("recent.") || name == "log.memory" }
}
