import Events
import RESP
import Reporting
import Testing

@testable import Feeding

/// A daemon whose look-ups know one more event each time they are asked.
private final class SlowDaemon: RPCConnection {
    var learned: Int64
    private let perQuestion: Int64
    private let last: Int64
    private var answers: [RESPValue] = []
    /// Fails with so many questions still to come.
    var questionsLeft = Int.max

    init(learned: Int64 = 0, perQuestion: Int64 = 1, last: Int64) {
        (self.learned, self.perQuestion, self.last) = (learned, perQuestion, last)
    }

    func send(_ arguments: [String]) throws(RPCClientError) {
        guard questionsLeft > 0 else { throw RPCClientError("the daemon closed the connection") }
        questionsLeft -= 1
        if arguments == ["STATUS"] {
            answers.append(.map([(.text("lag.total"), .integer(last + 1 - learned))]))
        } else if arguments.contains("AFTER"), let token = arguments.compactMap({ Token($0) }).first {
            answers.append(token.offset < learned ? .array([]) : .error("STALE \(token)"))
            learned += perQuestion
        } else {
            answers.append(.error("ERR unexpected \(arguments)"))
        }
    }

    func flush() throws(RPCClientError) {}
    func receive() throws(RPCClientError) -> RESPValue { answers.removeFirst() }
}

@Suite("Waiting until what was fed is learned")
struct LearnedWaitTests {
    private let token = Token(partition: 0, offset: 5)

    private func wait(
        _ connect: @escaping () throws -> any RPCConnection,
        isCancelled: @escaping () -> Bool = { false },
        say: @escaping (String) -> Void = { _ in }, now: @escaping () -> ContinuousClock.Instant = { .now }
    ) throws -> Bool {
        var wait = LearnedWait(
            connect: connect,
            backoff: Backoff(patience: .seconds(1), isCancelled: { false }, sleep: { _ in }),
            isCancelled: isCancelled, say: say, now: now)
        return try wait.run([token])
    }

    @Test("it returns with the last event, and says how many are left until then")
    func learned() throws {
        var said: [String] = []
        #expect(try wait({ SlowDaemon(last: 5) }, say: { said.append($0) }))
        #expect(said.first == "5 events are still to be learned" && said.count == 6)
    }

    @Test("a daemon that restarts is waited for, one that stays away is exit code 69")
    func restarts() throws {
        var daemons = [SlowDaemon(last: 5), SlowDaemon(learned: 3, last: 5)]
        daemons[0].questionsLeft = 4
        var tries = 0
        #expect(
            try wait({
                tries += 1
                guard tries != 2 else { throw RPCClientError("no daemon answers") }
                return daemons.removeFirst()
            }))
        #expect(tries == 3)
        let error = #expect(throws: CommandError.self) {
            try wait({ throw RPCClientError("no daemon answers") })
        }
        #expect(error?.code == .unavailable)
    }

    @Test("a daemon that learns nothing for a minute is given up; whoever interrupts is heard")
    func standstill() throws {
        var time = ContinuousClock.now
        let error = #expect(throws: CommandError.self) {
            try wait(
                { SlowDaemon(perQuestion: 0, last: 5) },
                now: {
                    time += .seconds(1)
                    return time
                })
        }
        #expect(error?.message.contains("0:5") == true)
        var questions = 0
        #expect(
            try !wait(
                { SlowDaemon(perQuestion: 0, last: 5) },
                isCancelled: {
                    questions += 1; return questions > 3
                })
        )
    }
}
