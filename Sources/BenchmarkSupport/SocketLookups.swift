internal import Events
internal import Foundation
internal import RESP

#if canImport(Glibc)
    internal import Glibc
#endif

/// Requests over the socket, all connections held by one thread: on a machine of few cores the clients must cost
/// little beside the daemon.
package struct SocketLookups {
    package let daemon: MeasuredDaemon
    package let count: Int
    package let seconds: Double

    package init(daemon: MeasuredDaemon, count: Int, seconds: Double) {
        (self.daemon, self.count, self.seconds) = (daemon, count, seconds)
    }

    package func ping() throws -> LookupResult {
        try measure("PING", clients: 1, ahead: 1, learning: 0) { _ in ["PING"] }
    }

    package func recommend(clients: Int, ahead: Int, learning: Int) throws -> LookupResult {
        let users = try knownUsers()
        return try measure("RECOMMEND", clients: clients, ahead: ahead, learning: learning) { number in
            ["RECOMMEND", users[number % users.count], "COUNT", String(count)]
        }
    }

    /// Requests of one client about known users, and items from all over the catalogue.
    package func measure(_ command: MeasuredCommand) throws -> LookupResult {
        let users = try knownUsers().map { try EntityID($0) }
        let items = try (1...daemon.items).map { try EntityID("i\($0)") }
        let subjects = Subject.each(of: users, items: items)
        return try measure(command.name, clients: 1, ahead: 1, learning: 0) { number in
            command.words(subjects[number % subjects.count])
        }
    }

    /// Those of the simulated users who have come.
    private func knownUsers() throws -> [String] {
        let client = try RPCClient(socketPath: daemon.socketPath)
        let users = try (0...daemon.users).map { "u\($0)" }.filter {
            let answer = try client.call(["RECOMMEND", $0, "COUNT", "1", "FALLBACK", "none"])
            guard case .array(let items) = answer else { return false }
            return !items.isEmpty
        }
        guard !users.isEmpty else { throw MeasuredDaemon.Failure(description: "no simulated user is known") }
        return users
    }

    private func measure(
        _ name: String, clients: Int, ahead: Int, learning: Int, request: (Int) -> [String]
    ) throws -> LookupResult {
        // Encoded beforehand; users in an order that no cache likes.
        let requests = (0..<2_048).map { number in
            (0..<ahead).flatMap { LoadConnection.encode(request(number * 7_919 + $0 * 104_729)) }
        }
        var connections = try (0..<clients).map { _ in try LoadConnection(path: daemon.socketPath) }
        defer { for connection in connections { connection.close() } }
        let clock = ContinuousClock()
        var (latencies, next) = (Latencies(), 0)
        // A tenth of the time to warm up, which is not counted.
        var start = clock.now.advanced(by: .seconds(seconds / 10))
        let end = start.advanced(by: .seconds(seconds))
        for index in connections.indices {
            try connections[index].send(requests[(next + index) % requests.count], expecting: ahead)
        }
        next += clients
        var entries = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        start = max(start, clock.now)
        while clock.now < end {
            guard poll(&entries, nfds_t(entries.count), 1_000) > 0 else { continue }
            for index in entries.indices where entries[index].revents != 0 {
                guard let duration = try connections[index].receive() else { continue }
                if clock.now > start { latencies.record(duration, times: ahead) }
                try connections[index].send(requests[next % requests.count], expecting: ahead)
                next += 1
            }
        }
        return latencies.result(
            part: "socket", items: daemon.items, name: name, concurrency: clients, pipeline: ahead,
            learning: learning, seconds: seconds)
    }
}

/// A connection that counts answers and reads nothing in them but whether they are errors.
package struct LoadConnection {
    package let descriptor: CInt
    private var bytes = [UInt8](repeating: 0, count: 1 << 16)
    private var held = 0
    private var expected = 0
    private var sent = ContinuousClock().now

    package init(path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
            guard path.utf8.count < target.count else { return false }
            target.copyBytes(from: path.utf8)
            return true
        }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard fits, connected == 0 else {
            throw MeasuredDaemon.Failure(description: "cannot connect to '\(path)': errno \(errno)")
        }
    }

    package func close() { _ = Glibc.close(descriptor) }

    package static func encode(_ arguments: [String]) -> [UInt8] {
        var text = "*\(arguments.count)\r\n"
        for argument in arguments { text += "$\(argument.utf8.count)\r\n\(argument)\r\n" }
        return Array(text.utf8)
    }

    package mutating func send(_ request: [UInt8], expecting answers: Int) throws {
        sent = ContinuousClock().now
        expected = answers
        var start = 0
        while start < request.count {
            let count = request.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start)
            }
            guard count > 0 else {
                throw MeasuredDaemon.Failure(description: "the daemon takes no requests: errno \(errno)")
            }
            start += count
        }
    }

    /// How long the answers took; `nil` while some are missing.
    package mutating func receive() throws -> Duration? {
        let (descriptor, start) = (descriptor, held)
        let count = bytes.withUnsafeMutableBytes { buffer in
            read(descriptor, buffer.baseAddress.map { $0 + start }, buffer.count - start)
        }
        guard count > 0 else {
            throw MeasuredDaemon.Failure(description: "the daemon closed the connection")
        }
        held += count
        var place = 0
        while expected > 0, let next = try end(ofAnswerAt: place) {
            place = next
            expected -= 1
        }
        for index in place..<held { bytes[index - place] = bytes[index] }
        held -= place
        return expected == 0 ? sent.duration(to: ContinuousClock().now) : nil
    }

    /// The place after the answer that begins at `start`; `nil` while it is not whole.
    private func end(ofAnswerAt start: Int) throws -> Int? {
        var (place, left) = (start, 1)
        while left > 0 {
            guard place < held, let line = bytes[place..<held].firstIndex(of: UInt8(ascii: "\n")) else {
                return nil
            }
            let kind = bytes[place]
            if kind == UInt8(ascii: "-") {
                let text = String(decoding: bytes[place..<line], as: UTF8.self)
                throw MeasuredDaemon.Failure(description: "the daemon answered \(text)")
            }
            left -= 1
            let size = Int(String(decoding: bytes[place + 1..<line - 1], as: UTF8.self)) ?? 0
            place = line + 1
            if kind == UInt8(ascii: "*") { left += max(0, size) }
            if kind == UInt8(ascii: "$"), size >= 0 { place += size + 2 }
        }
        return place <= held ? place : nil
    }
}
