internal import Checkpoints
internal import ClusterItems
internal import ClusterMembers
internal import Dispatch
internal import EventLog
internal import Events
internal import Foundation
internal import Locking
internal import Logging
internal import State
internal import Synchronization

// One of several tells from time to time all that it knows of items, so that who joins with an empty folder, or was away for longer
// than the topic keeps, begins with that and what was told since. The file is made of the state's own, beside learning.
extension Engine {
    /// Of a piece, so that brokers take it where nothing else is asked of them.
    private static let pieceBytes = 700_000
    /// After an image could not be told.
    private static let rest: Duration = .seconds(60)
    private static let shortRest: Duration = .seconds(2)
    /// Whose owner tells images: one member at a time.
    private static let tellingPartition: Int32 = 0

    // MARK: - Telling

    /// On the queue.
    func tellImageIfDue(_ cluster: ClusterMember) {
        let interval = options.cluster.imageInterval
        let now = clock.milliseconds
        guard interval > .zero, !isStopped else { return }
        let slot = cluster.shared.withLock { shared -> Int? in
            let isRested = shared.imageRest.map { $0 < .now } ?? true
            let age = shared.image.map { Double(now - $0.at) } ?? .infinity
            // Where that one does not come to it, anybody does: twice is no harm.
            let isOverdue = shared.image != nil && age >= 2 * interval.milliseconds
            let isTeller = shared.owned.contains(Self.tellingPartition) || isOverdue
            // One that is to come says nothing but that a clock was wrong.
            let isOld = age >= interval.milliseconds || age < -interval.milliseconds
            // What is committed is in the file by then.
            guard isTeller, isOld, isRested, shared.hasCaughtUp, shared.failure == nil,
                shared.report.commits > 0, !shared.isTellingImage
            else { return nil }
            shared.isTellingImage = true
            return shared.image.map { 1 - $0.slot } ?? 0
        }
        guard let slot else { return }
        cluster.makingImage.enter()
        let thread = Thread { [self] in
            ThreadPriority.yieldToLookUps()
            tellImage(slot: slot, cluster)
        }
        thread.name = "freshet.image"
        thread.start()
    }

    private func tellImage(slot: Int, _ cluster: ClusterMember) {
        let path = options.cluster.imagePath
        do {
            let began = ContinuousClock.now
            let place = try tell(makeImage(at: path, cluster), slot: slot, cluster)
            cluster.shared.withLock { shared in
                if place.isNewer(than: shared.image) { shared.image = place }
                shared.report.imagesTold += 1
                (shared.isTellingImage, shared.imageRest) = (false, .now + options.cluster.imageInterval)
                // So that the others hear of it.
                shared.announced = nil
            }
            logger.info(
                "what is known of items was told whole",
                metadata: [
                    "bytes": "\(place.bytes)", "pieces": "\(place.pieces)",
                    "ms": "\(Int(began.duration(to: .now).milliseconds))",
                ])
        } catch {
            // The first checkpoint is committed, and not written yet.
            let isEarly =
                (error as? StateError)?.code == .mismatch || cluster.stopping.load(ordering: .acquiring)
            let rest = isEarly ? Self.shortRest : Self.rest
            cluster.shared.withLock { ($0.isTellingImage, $0.imageRest) = (false, .now + rest) }
            logger.log(
                level: isEarly ? .debug : .warning,
                "what is known of items cannot be told whole; it is tried again",
                metadata: ["error": "\(error)"])
        }
    }

    /// Who stops waits for this: the state's file is read.
    private func makeImage(at path: String, _ cluster: ClusterMember) throws -> ImageFile {
        defer { cluster.makingImage.leave() }
        return try ImageFile(path, of: checkpointer.file) {
            !cluster.stopping.load(ordering: .acquiring)
        }
    }

    private func tell(
        _ file: ImageFile, slot: Int, _ cluster: ClusterMember
    ) throws -> ItemImagePlace {
        let image = UInt64.random(in: 0 ... .max)
        let count = (file.bytes + Self.pieceBytes - 1) / Self.pieceBytes
        // Whatever the clock of whoever told the last one.
        let at = max(clock.milliseconds, cluster.shared.withLock { ($0.image?.at ?? 0) + 1 })
        let from = try cluster.topics.tell(count, named: { "image/\(slot)/\($0)" }) {
            (number) throws(EventLogError) in
            guard !cluster.stopping.load(ordering: .acquiring) else {
                throw EventLogError(.closed, "this daemon stops")
            }
            let bytes = try file.read(Self.pieceBytes, at: number * Self.pieceBytes)
            return ItemImagePiece(image: image, number: number, bytes: bytes).encoded
        }
        return ItemImagePlace(
            image: image, next: file.next, from: from, pieces: count, bytes: file.bytes, at: at, slot: slot)
    }

    // MARK: - Beginning

    /// A member that knows nothing begins with an image where there is one, as it would have at its start had the broker answered.
    func requireBeginning(_ cluster: ClusterMember) throws(EventLogError) {
        let isEmpty = queue.sync { cluster.confined.isNew && state.stats.count == 0 }
        guard options.cluster.beginning == .unasked, isEmpty,
            cluster.shared.withLock({ $0.itemsNext }) == nil,
            try ItemImages.newest(cluster.topics) != nil
        else { return }
        ItemImages.markOutdated(checkpointer.file.path)
        throw EventLogError(
            .mustRestart,
            "this daemon was started with an empty folder while the broker was away: started again, it begins with what the "
                + "others know of items")
    }

    /// What others told since this member last heard them is no longer kept, or the topic is another one.
    ///
    /// - Returns: whether it goes on with what is there; else it ends, and begins with an image.
    func goOnBehindGap(_ error: EventLogError, _ cluster: ClusterMember) -> Bool {
        if options.cluster.beginning != .failed, (try? ItemImages.newest(cluster.topics)) ?? nil != nil {
            ItemImages.markOutdated(checkpointer.file.path)
            failCluster(
                EventLogError(
                    .mustRestart,
                    "\(error): started again, this daemon begins with the newest image of items, and its users from their changelogs"
                ))
            return false
        }
        logger.error(
            "what others have told of items meanwhile is lost, and there is no image of it: going on with what is there",
            metadata: ["error": "\(error)"])
        cluster.shared.withLock { $0.itemsNext = nil }
        return true
    }
}
