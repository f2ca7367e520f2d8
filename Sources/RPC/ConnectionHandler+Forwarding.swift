import Commands
import Engine
import LookUps
import NIOCore
import NIOPosix
import RESP

// Commands whose users other daemons have. Answers come back on this connection's event loop, and go out in their places.
extension ConnectionHandler {
    private var links: PeerLinks? {
        if let peers { return peers }
        peers = context.map { environment.peers.links(on: $0.eventLoop) }
        return peers
    }

    func forward(_ forwarding: Forwarding, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        ask(forwarding, form.version) { [weak self] answer in
            guard let self, context != nil else { return }
            fill(place, answer, form)
            scheduleTurn()
        }
    }

    /// - Parameter completion: never called before this returns.
    private func ask(
        _ forwarding: Forwarding, _ version: RESPVersion, _ completion: @escaping (ByteBuffer) -> Void
    ) {
        links?.ask(forwarding, version) { answer in
            switch answer {
            case .frame(let frame): completion(frame)
            case .none(let why): completion(Self.error("TRYAGAIN \(why)"))
            }
        }
    }

    private static func error(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        RESPEncoder(version: .two).encode(.error(text), into: &buffer)
        return buffer
    }

    private func fill(_ place: ReplyQueue.Place, _ answer: ByteBuffer, _ form: ReplyForm) {
        replies.fill(place, movingTo: &output.buffer) { buffer in
            guard !form.isSilent else { return }
            buffer.writeImmutableBuffer(answer)
        }
    }

    /// - Parameter completion: on the event loop, unless the connection ends first.
    private func workOut(_ lookup: Lookup, _ completion: @escaping (RESPValue) -> Void) {
        guard let context else { return }
        guard let after = lookup.after else { return evaluate(lookup, completion) }
        let bound = NIOLoopBound(completion, eventLoop: context.eventLoop)
        environment.commands.service.waitUntilLearned(after.token, timeout: after.timeout) { [port] result in
            port?.deliver { handler in
                switch result {
                case .success: handler.evaluate(lookup, bound.value)
                case .failure(let error): bound.value(.error(error.description))
                }
            }
        }
    }

    private func evaluate(_ lookup: Lookup, _ completion: @escaping (RESPValue) -> Void) {
        guard leavesEventLoop(lookup), let context else { return completion(lookup.evaluate()) }
        let bound = NIOLoopBound(completion, eventLoop: context.eventLoop)
        lookupThreads.single.submit { [port] state in
            guard state == .active else { return }
            let value = lookup.evaluate()
            port?.deliver { _ in bound.value(value) }
        }
    }

    // MARK: - Several

    /// Parts of one answer, as they come. Confined to the event loop.
    private final class GatheredParts {
        var elements: [ByteBuffer?]
        var left: Int

        init(_ count: Int, parts: Int) { (elements, left) = (Array(repeating: nil, count: count), parts) }
    }

    func gather(_ gathering: Gathering, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        let parts = GatheredParts(
            gathering.count, parts: gathering.parts.count + (gathering.own == nil ? 1 : 2))
        let encoder = RESPEncoder(version: form.version)
        func encoded(_ value: RESPValue) -> ByteBuffer {
            var buffer = ByteBuffer()
            encoder.encode(value, into: &buffer)
            return buffer
        }
        let finish = { [weak self] in
            parts.left -= 1
            guard parts.left == 0, let self, context != nil else { return }
            var answer = ByteBuffer()
            encoder.encodeArrayHeader(parts.elements.count, into: &answer)
            for element in parts.elements {
                answer.writeImmutableBuffer(element ?? Self.error("ERR no answer"))
            }
            fill(place, answer, form)
            scheduleTurn()
        }
        for (number, value) in gathering.known { parts.elements[number] = encoded(value) }
        for part in gathering.parts {
            ask(part.forwarding, form.version) { frame in
                let elements = (try? RESPFrameScanner.elements(of: frame)) ?? nil
                for (number, element) in zip(
                    part.places, elements ?? Array(repeating: frame, count: part.places.count))
                {
                    parts.elements[number] = element
                }
                finish()
            }
        }
        if let own = gathering.own {
            workOut(own.lookup) { value in
                for (place, number) in own.places.enumerated() {
                    if case .array(let values) = value {
                        parts.elements[number] = encoded(values[place])
                    } else {
                        parts.elements[number] = encoded(value)
                    }
                }
                finish()
            }
        }
        finish()
    }
}
