import Engine
import Foundation
import Locking
import Logging
import LookUps
import RPC

#if canImport(Glibc)
    import Glibc
#endif

/// The old daemon's side: lets a new one take over.
///
/// It gives socket and connections away and then stops in order, which makes the state durable and frees folder and log.
/// Until the new daemon has said that it has everything nothing is lost: the old one takes it back and goes on.
final class HandoverListener: Sendable {
    /// How long a connection may be amid a request or a transaction.
    private static let grace: Duration = .seconds(5)

    private let descriptor: CInt
    private let server: RPCServer
    private let engine: Engine
    private let logger: Logger

    /// `nil`, and a line in the log, where nobody can take over here.
    init?(in folder: String, _ server: RPCServer, _ engine: Engine, _ logger: Logger) {
        (self.server, self.engine, self.logger) = (server, engine, logger)
        do throws(HandoverError) {
            descriptor = try HandoverPlace.listen(in: folder)
        } catch {
            logger.warning("no other daemon can take over from this one", metadata: ["error": "\(error)"])
            return nil
        }
        let thread = Thread { [self] in accept() }
        thread.name = "freshet-handover"
        thread.start()
    }

    /// The thread ends with the process: it waits for nothing but another daemon.
    private func accept() {
        while true {
            let connection = Glibc.accept(descriptor, nil, nil)
            guard connection >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            do throws(HandoverError) {
                try serve(HandoverWire(connection))
                return
            } catch {
                logger.warning(
                    "another daemon did not take over; this one goes on", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Returns once the other daemon has everything.
    private func serve(_ wire: HandoverWire) throws(HandoverError) {
        while true {
            switch try wire.receive().kind {
            case .checkpoint:
                try checkpoint(wire)
            case .take:
                return try give(wire)
            default: throw HandoverError("the other daemon says what this one does not understand")
            }
        }
    }

    private func checkpoint(_ wire: HandoverWire) throws(HandoverError) {
        let outcome: Result<Void, LookupError> = blocking { done in
            self.engine.checkpoint { done($0.map { _ in }) }
        }
        if case .failure(let error) = outcome {
            try wire.send(.refused, Array("the checkpoint of the old daemon failed: \(error)".utf8))
        } else {
            try wire.send(.checkpoint, LearnedPartitions(engine.status()).payload)
        }
    }

    private func give(_ wire: HandoverWire) throws(HandoverError) {
        logger.notice("another daemon takes over")
        let server = server
        let handed: HandedServer? = blocking { done in
            Task { done(await server.handOver(grace: Self.grace)) }
        }
        guard let handed else {
            return try wire.send(.refused, Array("the old daemon does not answer any more".utf8))
        }
        do throws(HandoverError) {
            try handed.send(over: wire)
            guard try wire.receive().kind == .received else { throw HandoverError.broken() }
        } catch {
            let isBack: Bool = blocking { done in
                Task { done((try? await server.start(with: handed)) != nil) }
            }
            if !isBack { logger.critical("the socket is lost; stop this daemon and start it again") }
            throw error
        }
        // The copies that were sent are others.
        handed.close()
        logger.notice("the other daemon has socket and connections; making the state durable, and stopping")
        // The same way as anybody stops it.
        kill(getpid(), SIGTERM)
    }

    private func blocking<Answer: Sendable>(_ body: (@escaping @Sendable (Answer) -> Void) -> Void) -> Answer
    {
        let answered = DispatchSemaphore(value: 0)
        let answer = Lock<Answer?>(nil)
        body { result in
            answer.withLock { $0 = result }
            answered.signal()
        }
        while true {
            answered.wait()
            if let result = answer.withLock({ $0 }) { return result }
        }
    }
}
