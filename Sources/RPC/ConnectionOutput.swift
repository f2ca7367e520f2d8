import NIOCore

/// The answers of one connection on their way out, and how much is held for the connection in all.
///
/// The channel is given what the socket will soon take; the rest waits here, where it is counted. Confined to the
/// channel's event loop.
final class ConnectionOutput {
    enum Room {
        case fits, passesClient, passesTotal
    }

    enum Event {
        /// The client has taken all that the channel had.
        case taken
        /// The client has taken nothing for the whole timeout.
        case stalled
    }

    /// Less than this is what any connection needs, and is counted as nothing: two atomic additions a turn saved.
    private static let countedBytesMin = 8192

    var buffer = OutputBuffer()
    let memory: ClientMemory
    /// Told on the event loop; `nil` once the connection has ended.
    var onEvent: ((Event) -> Void)?

    private let bytesMax: Int
    private let timeout: Duration
    /// Bytes given to the channel since the connection began.
    private var given = 0
    /// Of these, what the channel had not written when last asked.
    private var inChannel = 0
    private var isWatched = false
    private var timer: Scheduled<Void>?

    init(memory: ClientMemory, bytesMax: Int, timeout: Duration) {
        self.memory = memory
        self.bytesMax = bytesMax
        self.timeout = timeout
    }

    /// Answers that the client has not taken.
    var readableBytes: Int { buffer.readableBytes + inChannel }
    /// Whether the channel has been given everything.
    var isEmpty: Bool { buffer.readableBytes == 0 }

    /// Sends what the socket takes, and counts what is left.
    ///
    /// - Parameter held: bytes held for the connection beside its answers here.
    func send(on context: ChannelHandlerContext, beside held: Int) -> Room {
        while context.channel.isWritable, let piece = buffer.next() {
            given += piece.readableBytes
            context.writeAndFlush(NIOAny(piece), promise: nil)
        }
        inChannel = Self.waitingBytes(of: context)
        watch(context)
        armTimer(context)
        let bytes = readableBytes + held
        let passesTotal = memory.set(bytes < Self.countedBytesMin ? 0 : bytes)
        if bytes > bytesMax { return .passesClient }
        return passesTotal ? .passesTotal : .fits
    }

    func end() {
        onEvent = nil
        timer?.cancel()
        timer = nil
        _ = memory.set(0)
    }

    private static func waitingBytes(of context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// The channel tells that it can take more, but not that it has nothing left. An empty write behind all others does.
    private func watch(_ context: ChannelHandlerContext) {
        guard inChannel > 0, !isWatched else { return }
        isWatched = true
        context.writeAndFlush(NIOAny(ByteBuffer())).assumeIsolated().whenComplete { _ in
            self.isWatched = false
            self.onEvent?(.taken)
        }
    }

    private func armTimer(_ context: ChannelHandlerContext) {
        guard inChannel > 0 else {
            timer?.cancel()
            timer = nil
            return
        }
        guard timer == nil else { return }
        let taken = given - inChannel
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
            self.timer = nil
            guard let onEvent = self.onEvent else { return }
            self.inChannel = Self.waitingBytes(of: context)
            if self.inChannel > 0, self.given - self.inChannel == taken {
                onEvent(.stalled)
            } else {
                self.armTimer(context)
            }
        }
    }
}
