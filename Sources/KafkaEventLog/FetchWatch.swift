/// Tells when librdkafka has to be woken to fetch on. Pure: told what is queued.
///
/// It stops fetching once its queue holds `queued.min.messages` or `queued.max.messages.kbytes`, and up to its version 2.1
/// looks only each second whether there is room again (later ones back off for as long); a backlog that is learned faster
/// than that stands still meanwhile. Whatever is sent to the brokers wakes it.
struct FetchWatch {
    /// Between two wakings.
    private static let interval: Duration = .milliseconds(10)

    /// What librdkafka takes for a message beside its bytes.
    static let bytesBesideMessage = 400

    private let messagesMax: Int
    private let bytesMax: Int
    /// The most that was queued since it was last woken.
    private var peak = 0
    private var queuedBefore = 0
    private var takenSince = 0
    /// Of the messages taken last, a moving mean.
    private var bytesPerMessage = 0
    private var next: ContinuousClock.Instant?

    init(messagesMax: Int, bytesMax: Int) {
        self.messagesMax = messagesMax
        self.bytesMax = bytesMax
    }

    /// Of so many messages that it has queued.
    func bytes(queued: Int) -> Int { queued * (bytesPerMessage + Self.bytesBesideMessage) }

    mutating func took(_ messages: Int, bytes: Int) {
        guard messages > 0 else { return }
        takenSince += messages
        bytesPerMessage =
            bytesPerMessage == 0 ? bytes / messages : (bytesPerMessage * 3 + bytes / messages) / 4
    }

    /// Whether fetching may have stopped and half of what was queued is taken by now.
    mutating func shouldWake(queued: Int, at now: ContinuousClock.Instant) -> Bool {
        let hasGrown = queued > queuedBefore - takenSince
        (queuedBefore, takenSince, peak) = (queued, 0, max(peak, queued))
        // Its own bounds are compared by bytes that are not seen from here, so half of them is taken for near.
        let mayHaveStopped = peak * 2 >= messagesMax || peak * bytesPerMessage * 2 >= bytesMax
        guard !hasGrown, mayHaveStopped, queued * 2 <= peak, next.map({ now >= $0 }) ?? true else {
            return false
        }
        next = now + Self.interval
        peak = queued
        return true
    }
}
