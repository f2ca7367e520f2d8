import RESP

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a hostile client does.
package enum HostileManner: String, CaseIterable, Sendable {
    /// Connects, and says nothing.
    case silent
    /// Sends half a request, and nothing more.
    case half
    /// Sends a request a byte at a time.
    case slowWriter = "slow-writer"
    /// Asks dozens of questions now and then, and reads a byte now and then.
    case slowReader = "slow-reader"
    /// Asks without end, and never reads.
    case deaf
    /// Asks without end, and reads all.
    case flood
    /// Guesses passwords without end.
    case guesser
    /// Connects, asks, and goes without reading.
    case visitor
}

/// One connection of a hostile client. Never waits: each step does what can be done at once.
struct HostileConnection {
    private static let question = "*4\r\n$9\r\nRECOMMEND\r\n$2\r\nu1\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"
    private static let questions = Array(String(repeating: question, count: 64).utf8)
    private static let guess = Array("*3\r\n$4\r\nAUTH\r\n$4\r\nboss\r\n$5\r\nguess\r\n".utf8)
    private static let roomBytes = 16 << 10

    let manner: HostileManner
    let descriptor: CInt
    /// Where in its request a slow writer is, or in its bytes whoever floods.
    private var place = 0
    private var steps = 0
    private(set) var isEnded = false
    /// The first bytes that came, where they are an error.
    private(set) var refusal: String?

    /// - Returns: `nil` where no connection can be had just now.
    init?(_ manner: HostileManner, to path: String) {
        guard var address = UnixSocket.address(of: path) else { return nil }
        self.manner = manner
        descriptor = UnixSocket.open()
        guard descriptor >= 0 else { return nil }
        let answer = UnixSocket.withAddress(&address) { connect(descriptor, $0, $1) }
        guard answer == 0 else {
            _ = close(descriptor)
            return nil
        }
    }

    mutating func end() {
        guard !isEnded else { return }
        isEnded = true
        _ = close(descriptor)
    }

    mutating func step(_ room: inout [UInt8]) {
        guard !isEnded else { return }
        defer { steps += 1 }
        switch manner {
        case .silent: if steps % 16 == 0 { look(&room) }
        case .half:
            if steps == 0 { _ = send(Array("*2\r\n$4\r\nECHO\r\n$100\r\nhal".utf8)[...]) }
            if steps % 16 == 1 { look(&room) }
        case .slowWriter:
            let text = Array(Self.question.utf8)
            if send(text[place...place]) == 1 { place = (place + 1) % text.count }
            if place == 0 { read(1 << 12, &room) } else { look(&room) }
        case .slowReader:
            if steps % 64 == 0 { ask(rounds: 1) }
            if steps % 8 == 0 { read(1, &room) }
        case .deaf: ask(rounds: 4)
        case .flood:
            for _ in 0..<4 {
                ask(rounds: 1)
                read(Self.roomBytes, &room)
            }
        case .guesser:
            _ = send(Self.guess[...])
            read(Self.roomBytes, &room)
        case .visitor:
            if steps == 0 { ask(rounds: 1) } else { end() }
        }
    }

    /// Whole requests in the end, wherever the socket parts them.
    private mutating func ask(rounds: Int) {
        for _ in 0..<rounds {
            let sent = send(Self.questions[place...])
            guard sent > 0 else { return }
            place = (place + sent) % Self.questions.count
        }
    }

    private mutating func send(_ bytes: ArraySlice<UInt8>) -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
        }
        guard count >= 0 else {
            if errno == EPIPE || errno == ECONNRESET {
                // What the daemon said before it closed.
                var scrap = [UInt8](repeating: 0, count: 256)
                read(256, &scrap)
                end()
            }
            return 0
        }
        return count
    }

    /// Takes what has come, so far as there is room, and sees whether the other side has closed.
    private mutating func read(_ bytesMax: Int, _ room: inout [UInt8]) {
        guard !isEnded else { return }
        let count = recv(descriptor, &room, min(bytesMax, room.count), CInt(MSG_DONTWAIT))
        if count > 0 {
            if refusal == nil, room[0] == UInt8(ascii: "-") {
                refusal = String(decoding: room.prefix(min(count, 200)), as: UTF8.self)
            }
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            end()
        }
    }

    private mutating func look(_ room: inout [UInt8]) { read(256, &room) }
}
