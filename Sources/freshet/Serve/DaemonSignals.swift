import Dispatch
import Foundation

/// What becomes of the signals that are no wish to stop; those are the service group's.
///
/// Made before anything else, for by default each of them ends the process, and a state may take minutes to restore.
final class DaemonSignals: Sendable {
    /// One element for each wish to read the configuration again; wishes that come while one is waiting are the same wish.
    let reloads: AsyncStream<Void>
    // Unsafe only in name: Dispatch guards its sources, and this field is never changed, it keeps one alive.
    nonisolated(unsafe) private let source: any DispatchSourceSignal

    init() {
        // A reader of standard error, or a client, that has gone shows as an error where it is written to. Some tools send
        // USR1 and USR2 to have logs reopened: nothing here has to be. TTOU would stop what writes from the background.
        for number in [SIGPIPE, SIGUSR1, SIGUSR2, SIGTTOU] { signal(number, SIG_IGN) }
        signal(SIGHUP, SIG_IGN)  // the source sees it all the same
        let (reloads, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.reloads = reloads
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
    }

    deinit { source.cancel() }
}
