import Locking
import NIOCore

/// How many connections there are, and may be.
final class ConnectionLimits: Sendable {
    struct Counts: Sendable {
        var open = 0
        var accepted = 0
        var rejected = 0
        /// Closed because they took too long to ask, or to take their answer.
        var cutOff = 0
    }

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var counts = Counts()
    }

    let connectionsMax: Int
    private let state = Lock(State())

    init(connectionsMax: Int) { self.connectionsMax = connectionsMax }

    var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.open = state.channels.count
            return counts
        }
    }

    /// False for one too many.
    func admit(_ channel: any Channel) -> Bool {
        let isAdmitted = state.withLock { state in
            guard state.channels.count < connectionsMax else {
                state.counts.rejected += 1
                return false
            }
            state.counts.accepted += 1
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
        if isAdmitted {
            channel.closeFuture.whenComplete { _ in
                self.state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
            }
        }
        return isAdmitted
    }

    func countCutOff() { state.withLock { $0.counts.cutOff += 1 } }

    /// Those that have nothing under way close, the others after the answer under way.
    func quiesce() {
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    func closeAll() {
        for channel in open { channel.close(promise: nil) }
    }

    private var open: [any Channel] { state.withLock { Array($0.channels.values) } }
}
