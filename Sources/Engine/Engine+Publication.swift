internal import CoreMetrics
internal import Dispatch
internal import Events
internal import Locking
internal import LookUps
internal import State
internal import StreamLearning

/// What look-ups see, and when. All on the engine's queue.
extension Engine {
    /// With more events waiting and not begun than a batch and a half the engine is behind.
    private var behind: Int { life.withLock { $0.ingestOptions.batchEventsMax } * 3 / 2 }
    /// Portions that an index of one publication needs at most, and one more.
    private static let portionsMax = 6

    private var isBehind: Bool { backlog.events > behind }

    /// Shows what is due beside the events that wait.
    func publishIfDue(eventsLeft left: Int) {
        let extent = confined.publicationPace.extent(
            at: ContinuousClock().now, interval: confined.changeable.publishInterval, left: left,
            behind: behind)
        if let extent { publish(extent) }
    }

    /// Shows look-ups what has changed, and then tells those who wait. A reader may still hold a side of an index: then
    /// it is tried again in a millisecond, and nobody waits for the reader.
    func publish(_ extent: PublicationPace.Extent = .some(drawn: PublicationPace.drawnAlong)) {
        let positions = cluster?.visible(beside: state.positions) ?? state.positions
        let began = ContinuousClock().now
        let isComplete = stages.measure(.publish) { show(extent) }
        let ended = ContinuousClock().now
        confined.publicationPace.took(began.duration(to: ended), for: extent)
        showDrawnLater()
        guard isComplete else { return retryPublication() }
        confined.publicationPace.finished(at: ended)
        waiters.advance(to: positions)
        guard let oldest = confined.unpublished.takeSince() else { return }
        meters.freshness.record(Double(max(0, clock.milliseconds - oldest)) / 1000)
    }

    /// False where rows are still to be shown, drawn ones apart.
    private func show(_ extent: PublicationPace.Extent) -> Bool {
        guard case .some(let drawn) = extent else {
            // No reader keeps a side for as long as a portion takes.
            return (0..<Self.portionsMax).contains { _ in showPortion(drawn: .max) }
        }
        return showPortion(drawn: drawn)
    }

    private func showPortion(drawn: Int) -> Bool {
        let isComplete = published.publish(
            confined.unpublished.changed, drawn: confined.unpublished.takeDrawn(atMost: drawn),
            stats: confined.unpublished.stats, from: state)
        confined.unpublished.removeChanged()
        return isComplete
    }

    /// Not while the engine is behind: then the next batch shows it with its own.
    private func retryPublication() {
        guard !confined.retryScheduled, !isBehind else { return }
        confined.retryScheduled = true
        queue.asyncAfter(deadline: .now() + .milliseconds(1)) { [self] in
            confined.retryScheduled = false
            settle()
            publish()
        }
    }

    /// What was drawn shows in the end, though no event comes any more.
    private func showDrawnLater() {
        guard confined.unpublished.hasDrawn, !confined.drawnScheduled else { return }
        confined.drawnScheduled = true
        queue.asyncAfter(deadline: .now() + .milliseconds(20)) { [self] in
            confined.drawnScheduled = false
            guard backlog.events == 0 else { return showDrawnLater() }
            settle()
            publish(.some(drawn: PublicationPace.drawnAlone))
        }
    }
}
