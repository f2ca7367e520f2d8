import Dispatch
import Foundation
import Locking
package import Logging
package import RESP
package import RPC
import Testing

/// A folder of one test's own, under a short path: a Unix socket's path holds 107 bytes.
package struct Scratch {
    package let folder: String
    package var socket: String { folder + "/s" }

    package init() throws {
        folder = "/tmp/fr-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    package func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }
}

package let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Runs `body` against a server over a real socket.
package func withServer(
    _ configure: (inout RPCServerOptions) -> Void = { _ in }, logger: Logger = silent,
    body: @escaping @Sendable (_ path: String, _ service: FakeService) throws -> Void
) async throws {
    let scratch = try Scratch()
    defer { scratch.remove() }
    let service = FakeService()
    var options = RPCServerOptions(socketPath: scratch.socket)
    configure(&options)
    let server = RPCServer(options: options, service: service, logger: logger)
    try await server.start()
    let path = scratch.socket
    let result = await offPool { Result { try body(path, service) } }
    await server.shutdown(grace: .milliseconds(200))
    try result.get()
}

/// Keeps what is logged.
package final class LogRecord: Sendable {
    private struct Handler: LogHandler {
        let record: LogRecord
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
            let line = "\(event.level) \(event.message) \(metadata.joined(separator: " "))"
            record.lines.withLock { $0.append(line) }
        }
    }

    private let lines = Lock<[String]>([])

    package init() {}

    package var logger: Logger { Logger(label: "test", factory: { _ in Handler(record: self) }) }

    package func first(containing text: String) -> String? {
        lines.withLock { lines in lines.first { $0.contains(text) } }
    }

    package func count(containing text: String) -> Int {
        lines.withLock { lines in lines.count { $0.contains(text) } }
    }
}

/// Runs blocking work outside of the cooperative threads, which are few.
package func offPool<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// Waits for something another thread brings about; gives up after five minutes.
package func eventually(_ condition: () -> Bool) -> Bool {
    // Long tests of other suites may keep both of Swift's threads to themselves for minutes on two slow cores, and what a
    // server does in tasks waits for them.
    let deadline = ContinuousClock.now + .seconds(300)
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(1000)
    }
    return true
}

/// A connection that sends and reads bytes as they are.
package final class RawConnection: Sendable {
    private let descriptor: Int32

    package init(_ path: String) throws {
        var address = try #require(UnixSocket.address(of: path))
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let answer = UnixSocket.withAddress(&address) { connect(descriptor, $0, $1) }
        try #require(answer == 0, "cannot connect to \(path): \(errno)")
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    package func send(_ text: String) { send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends as much as the other side takes without waiting; returns the number of bytes.
    package func sendUntilFull(_ bytes: [UInt8], times: Int) -> Int {
        var sent = 0
        for _ in 0..<times {
            let count = Glibc.send(
                descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    /// What has been read and is not wanted, so that the other side goes on.
    package func skip(_ count: Int) -> Int {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var got = 0
        while got < count {
            let some = recv(descriptor, &bytes, min(bytes.count, count - got), 0)
            guard some > 0 else { break }
            got += some
        }
        return got
    }

    package func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Exactly what comes until there are `count` bytes or the other side closes.
    package func read(_ count: Int) -> String {
        var all: [UInt8] = []
        while all.count < count {
            var bytes = [UInt8](repeating: 0, count: count - all.count)
            let got = recv(descriptor, &bytes, bytes.count, 0)
            guard got > 0 else { break }
            all += bytes.prefix(got)
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// What comes until `text` has, the other side closes, or there are `count` bytes.
    package func read(_ count: Int, until text: String) -> String {
        var all = ""
        while all.utf8.count < count, !all.contains(text) {
            let more = read(1)
            if more.isEmpty { break }
            all += more
        }
        return all
    }

    /// All that comes until the other side closes.
    package func readToEnd() -> String { read(1 << 26) }

    /// Sends, and reads as many bytes as are expected.
    package func ask(_ text: String, expecting answer: String) {
        send(text)
        #expect(read(answer.utf8.count) == answer)
    }
}

/// Sends a line of words and takes the answer.
package func ask(_ client: RPCClient, _ line: String) throws -> RESPValue {
    try client.call(line.split(separator: " ").map(String.init))
}

/// An answer of bulk strings.
package func list(_ words: String...) -> RESPValue { .array(words.map(RESPValue.text)) }
