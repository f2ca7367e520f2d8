internal import Events
internal import Locking

/// Answers that come one by one, from any thread, passed on together once all are there.
final class GatheredAnswers: Sendable {
    typealias Answer = Result<Token, EventLogError>

    private struct State {
        var answers: [Answer?]
        var left: Int
    }

    private let state: Lock<State>
    private let completion: @Sendable ([Answer]) -> Void

    init(_ count: Int, _ completion: @escaping @Sendable ([Answer]) -> Void) {
        state = Lock(State(answers: Array(repeating: nil, count: count), left: count))
        self.completion = completion
    }

    func put(_ answer: Answer, at place: Int) {
        let all: [Answer]? = state.withLock { state in
            state.answers[place] = answer
            state.left -= 1
            return state.left == 0 ? state.answers.compactMap(\.self) : nil
        }
        if let all { completion(all) }
    }
}
