import Dispatch
import Foundation
import Locking
import Logging
import Testing

@testable import RPC

/// A folder of one test's own, under a short path: a Unix socket's path holds 107 bytes.
struct Scratch {
    let folder: String
    var socket: String { folder + "/s" }

    init() throws {
        folder = "/tmp/fr-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }
}

let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Runs `body` against a server over a real socket.
func withServer(
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
final class LogRecord: Sendable {
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

    var logger: Logger { Logger(label: "test", factory: { _ in Handler(record: self) }) }

    func first(containing text: String) -> String? {
        lines.withLock { lines in lines.first { $0.contains(text) } }
    }
}

/// Runs blocking work outside of the cooperative threads, which are few.
func offPool<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// Waits for something another thread brings about; gives up after a minute.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(1000)
    }
    return true
}

/// A connection that sends and reads bytes as they are.
final class RawConnection: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        var address = try #require(makeUnixAddress(path))
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let answer = withSocketAddress(&address) { connect(descriptor, $0, $1) }
        try #require(answer == 0, "cannot connect to \(path): \(errno)")
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
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
    func sendUntilFull(_ bytes: [UInt8], times: Int) -> Int {
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
    func skip(_ count: Int) -> Int {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var got = 0
        while got < count {
            let some = recv(descriptor, &bytes, min(bytes.count, count - got), 0)
            guard some > 0 else { break }
            got += some
        }
        return got
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Exactly what comes until there are `count` bytes or the other side closes.
    func read(_ count: Int) -> String {
        var all: [UInt8] = []
        while all.count < count {
            var bytes = [UInt8](repeating: 0, count: count - all.count)
            let got = recv(descriptor, &bytes, bytes.count, 0)
            guard got > 0 else { break }
            all += bytes.prefix(got)
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// All that comes until the other side closes.
    func readToEnd() -> String { read(1 << 26) }

    /// Sends, and reads as many bytes as are expected.
    func ask(_ text: String, expecting answer: String) {
        send(text)
        #expect(read(answer.utf8.count) == answer)
    }
}

/// Sends a line of words and takes the answer.
func ask(_ client: RPCClient, _ line: String) throws -> RESPValue {
    try client.call(line.split(separator: " ").map(String.init))
}

/// An answer of bulk strings.
func list(_ words: String...) -> RESPValue { .array(words.map(RESPValue.text)) }
