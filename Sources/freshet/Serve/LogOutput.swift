import Dispatch
import Foundation
import Locking

/// Writes lines to standard error without ever waiting for whoever reads them.
///
/// A pager that is paused, or a terminal that is stopped, must not hold up a thread that learns. What finds no room is
/// held, up to a bound, and written once there is room; beyond it lines are lost, and their number is said. A reader that
/// has gone loses them all, silently: there is nobody to tell.
final class LogOutput: TextOutputStream, Sendable {
    private static let heldBytesMax = 1 << 20
    /// What a descriptor that `poll` calls writable takes without waiting: a page, of a pipe (pipe(7), PIPE_BUF).
    private static let chunkBytes = 4_096
    private static let flushPatience: Duration = .seconds(1)

    private struct State {
        var held: [UInt8] = []
        var lost = 0
        var isDraining = false
    }

    private let descriptor: Int32
    private let state = Lock(State())
    private let drainer = DispatchQueue(label: "freshet.log-output", qos: .utility)

    init(descriptor: Int32 = STDERR_FILENO) { self.descriptor = descriptor }

    func write(_ line: String) {
        let startsDraining = state.withLock { state in
            guard state.held.count < Self.heldBytesMax else {
                state.lost += 1
                return false
            }
            state.held += line.utf8
            // In order: behind what is held already.
            if !state.isDraining { writeHeld(&state) }
            defer { state.isDraining = !state.held.isEmpty }
            return !state.isDraining && !state.held.isEmpty
        }
        if startsDraining { drainer.async { self.drain() } }
    }

    /// Returns once all is written, or after a second.
    func flush() {
        let deadline = ContinuousClock.now + Self.flushPatience
        while state.withLock({ !$0.held.isEmpty }), .now < deadline { usleep(5_000) }
    }

    private func drain() {
        while true {
            _ = isWritable(milliseconds: 1_000)
            let isDone = state.withLock { state in
                writeHeld(&state)
                if state.held.isEmpty, state.lost > 0 {
                    let lines = state.lost == 1 ? "1 line" : "\(state.lost) lines"
                    state.held += "freshet: \(lines) of the log lost, for standard error was not read\n".utf8
                    state.lost = 0
                    writeHeld(&state)
                }
                state.isDraining = !state.held.isEmpty
                return state.held.isEmpty
            }
            if isDone { return }
        }
    }

    /// As much as can be written at once.
    private func writeHeld(_ state: inout State) {
        var written = 0
        while written < state.held.count, isWritable(milliseconds: 0) {
            let count = state.held[written..<min(written + Self.chunkBytes, state.held.count)].withUnsafeBytes
            {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                // Nobody reads any more, or the disk is full.
                state.held = []
                return
            }
            written += count
        }
        state.held.removeFirst(written)
    }

    private func isWritable(milliseconds: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // An error shows with the write.
        return poll(&request, 1, milliseconds) > 0
    }
}
