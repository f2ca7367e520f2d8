import Dispatch
import Locking
public import RESP

/// A connection that nobody has to wait for: `RPCClient` itself waits half a minute for an answer, and hears of no
/// interruption meanwhile.
///
/// The connection behind it is used on a thread of its own alone. A call that has not returned when somebody interrupts is
/// left to the end of the process.
public final class InterruptibleConnection: RPCConnection {
    /// Between two looks at whether somebody has interrupted.
    private static let slice: DispatchTimeInterval = .milliseconds(100)
    private static let interruption = RPCClientError("interrupted before the daemon had answered")

    private let worker = Worker()
    private let thread = SerialThread(name: "feed connection", prepare: {})
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - isCancelled: asked ten times a second while an answer is awaited; once true, it is awaited no more.
    ///   - open: makes the connection behind it; called once, on another thread.
    /// - Throws: what `open` throws, `RPCClientError` where somebody interrupts before it returns.
    public init(
        isCancelled: @escaping () -> Bool, open: @escaping () throws -> any RPCConnection
    ) throws {
        self.isCancelled = isCancelled
        // Whoever made it waits meanwhile, or has given it up.
        nonisolated(unsafe) let open = open
        let opened: Result<Void, any Error>? = outcome(of: { worker in Result { try worker.open(open) } })
        try (opened ?? .failure(Self.interruption)).get()
    }

    /// Returns at once; what goes wrong is thrown by the next `receive`.
    public func send(_ arguments: [String]) {
        thread.async { [worker] in worker.send(arguments) }
    }

    /// Returns at once, as `send` does.
    public func flush() {
        thread.async { [worker] in worker.flush() }
    }

    /// Waits for the next answer, in the order of the commands.
    public func receive() throws(RPCClientError) -> RESPValue {
        guard let answer = outcome(of: { $0.receive() }) else { throw Self.interruption }
        return try answer.get()
    }

    /// Has the call made on the thread; `nil` where somebody interrupts before it returns.
    private func outcome<Value: Sendable, Failure: Error>(
        of call: @escaping @Sendable (Worker) -> Result<Value, Failure>
    ) -> Result<Value, Failure>? {
        let answer = Lock<Result<Value, Failure>?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        thread.async { [worker] in
            let result = call(worker)
            answer.withLock { $0 = result }
            isDone.signal()
        }
        while isDone.wait(timeout: .now() + Self.slice) == .timedOut {
            if isCancelled() { return nil }
        }
        return answer.withLock { $0 }
    }
}

/// What the thread does with the connection behind it.
///
/// `@unchecked Sendable`: the thread alone touches what it holds.
private final class Worker: @unchecked Sendable {
    private var connection: (any RPCConnection)?
    /// Of a call that nobody waited for.
    private var failure: RPCClientError?

    func open(_ open: () throws -> any RPCConnection) throws { connection = try open() }

    func send(_ arguments: [String]) {
        attempt { connection throws(RPCClientError) in try connection.send(arguments) }
    }

    func flush() {
        attempt { connection throws(RPCClientError) in try connection.flush() }
    }

    func receive() -> Result<RESPValue, RPCClientError> {
        if let failure { return .failure(failure) }
        guard let connection else { return .failure(RPCClientError("the connection was never opened")) }
        do throws(RPCClientError) {
            return .success(try connection.receive())
        } catch {
            return .failure(error)
        }
    }

    private func attempt(_ call: (any RPCConnection) throws(RPCClientError) -> Void) {
        guard failure == nil, let connection else { return }
        do throws(RPCClientError) {
            try call(connection)
        } catch {
            failure = error
        }
    }
}
