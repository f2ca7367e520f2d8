import CSystemCalls
import Foundation
import RPC

#if canImport(Glibc)
    import Glibc
#endif

/// What two daemons of one folder say to each other while one takes over from the other: frames of a kind, a payload, and
/// at most one descriptor, over a Unix socket in the folder. Blocking; one thread at each end.
final class HandoverWire: Sendable {
    /// The first byte of a frame.
    enum Kind: UInt8 {
        /// Asks for a checkpoint; the answer is the same, once it is written.
        case checkpoint = 0x43
        /// Asks for socket and connections.
        case take = 0x54
        case listener = 0x4C
        case lock = 0x4B
        case connection = 0x58
        /// All have been sent.
        case end = 0x45
        /// All have come: from here on they are the new daemon's.
        case received = 0x52
        /// It cannot be done; the payload says why.
        case refused = 0x46
    }

    struct Frame {
        var kind: Kind
        var payload: [UInt8] = []
        var descriptor: CInt?
    }

    private static let payloadBytesMax = 1 << 30
    private let descriptor: CInt

    /// - Parameter descriptor: a connected socket, from here on this object's.
    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        // A daemon that has stopped in the midst of it must not keep the other one waiting for ever.
        var patience = timeval(tv_sec: 300, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close(descriptor) }

    func send(_ kind: Kind, _ payload: [UInt8] = [], descriptor sent: CInt? = nil) throws(HandoverError) {
        // The descriptor goes with the first byte, which is never sent in part.
        guard system_send_descriptor(descriptor, [kind.rawValue], 1, sent ?? -1) == 1 else {
            throw HandoverError.broken()
        }
        let length = UInt32(payload.count)
        try send((0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + payload)
    }

    private func send(_ bytes: [UInt8]) throws(HandoverError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    system_send_descriptor(descriptor, $0 + done, bytes.count - done, -1)
                } ?? 0
            }
            guard count > 0 else { throw HandoverError.broken() }
            done += count
        }
    }

    /// - Throws: where the other end is gone, or says what it should not.
    func receive() throws(HandoverError) -> Frame {
        var (code, received): (UInt8, CInt) = (0, -1)
        guard system_receive_descriptor(descriptor, &code, 1, &received) == 1 else {
            throw HandoverError.broken()
        }
        let head = try receive(4)
        let length = head.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        guard let kind = Kind(rawValue: code), length <= Self.payloadBytesMax else {
            throw HandoverError("the other daemon says what this one does not understand")
        }
        let payload = try receive(length)
        if kind == .refused { throw HandoverError(String(decoding: payload, as: UTF8.self)) }
        return Frame(kind: kind, payload: payload, descriptor: received >= 0 ? received : nil)
    }

    private func receive(_ count: Int) throws(HandoverError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { read(descriptor, $0 + done, count - done) } ?? 0
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw HandoverError.broken() }
            done += got
        }
        return bytes
    }
}

/// Why one daemon cannot take over from another.
struct HandoverError: Error, CustomStringConvertible {
    let message: String
    init(_ message: String) { self.message = message }
    var description: String { message }

    static func broken() -> HandoverError {
        HandoverError("the other daemon went away amid the handover (\(String(cString: strerror(errno))))")
    }
}

extension HandedServer {
    func send(over wire: HandoverWire) throws(HandoverError) {
        try wire.send(.listener, descriptor: listener)
        if let lock { try wire.send(.lock, descriptor: lock) }
        for connection in connections {
            try wire.send(.connection, connection.record, descriptor: connection.descriptor)
        }
        try wire.send(.end)
    }

    /// All of them, or none: where it fails what came is closed.
    static func receive(over wire: HandoverWire) throws(HandoverError) -> HandedServer {
        var handed = HandedServer(listener: -1, lock: nil)
        do throws(HandoverError) {
            while true {
                let frame = try wire.receive()
                switch (frame.kind, frame.descriptor) {
                case (.listener, let descriptor?): handed.listener = descriptor
                case (.lock, let descriptor?): handed.lock = descriptor
                case (.connection, let descriptor?):
                    handed.connections.append(Connection(descriptor: descriptor, record: frame.payload))
                case (.end, _):
                    guard handed.listener >= 0 else { throw HandoverError("the other daemon gave no socket") }
                    try wire.send(.received)
                    return handed
                default: throw HandoverError("the other daemon gave something else than a socket")
                }
            }
        } catch {
            handed.close()
            throw error
        }
    }
}
