import Commands
import Locking
import NIOCore
import NIOPosix
import RESP

// Clients that ask for more at once than one turn's commands. Were their look-ups worked out on the event loop, they would keep
// a processor from those who ask for one thing and wait for it: event loops go first (`ThreadPriority`). So a turn's
// look-ups go together to threads that give way, and come back encoded.

/// A look-up that waits for the others of its turn.
struct PipelinedLookup: Sendable {
    let lookup: Lookup
    let place: ReplyQueue.Place
    let form: ConnectionHandler.ReplyForm

    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        if !form.isSilent { RESPEncoder(version: form.version).encode(lookup.evaluate(), into: &buffer) }
        return buffer
    }
}

/// Where look-ups run that leave their event loop.
struct LookupThreads: Sendable {
    /// For those that somebody waits for.
    let single: NIOThreadPool
    /// For those of long pipelines.
    let pipelined: NIOThreadPool

    init(count: Int) {
        single = NIOThreadPool(numberOfThreads: max(1, count))
        pipelined = NIOThreadPool(numberOfThreads: max(1, count))
        single.start()
        pipelined.start()
    }

    func stop() async {
        // Both only fail when stopped twice.
        try? await single.shutdownGracefully()
        try? await pipelined.shutdownGracefully()
    }
}

extension ConnectionHandler {
    func answerTogether(_ lookup: PipelinedLookup) {
        together.append(lookup)
        pipelinedUnderWay += 1
    }

    /// At the end of a turn.
    func answerTogether() {
        guard !together.isEmpty else { return }
        let lookups = together
        together = []
        lookupThreads.pipelined.submit { [port] state in
            guard state == .active else { return }
            ThreadPriority.answerPipelines()
            let answers = lookups.map { $0.encoded() }
            port?.deliver { handler in
                handler.pipelinedUnderWay -= lookups.count
                for (lookup, answer) in zip(lookups, answers) { handler.fill(lookup.place, encoded: answer) }
                handler.scheduleTurn()
            }
        }
    }

    private func fill(_ place: ReplyQueue.Place, encoded answer: ByteBuffer) {
        replies.fill(place, movingTo: &output.buffer) { $0.writeImmutableBuffer(answer) }
    }
}
