import ArgumentParser
import Checkpoints
import Reporting

extension CommandError {
    /// Says it, and gives what to throw out of `run`.
    func report() -> ExitCode {
        Terminal.writeError("freshet: \(message)")
        return ExitCode(code.rawValue)
    }

    /// What is wrong with a state's file that is only looked at.
    init(looking error: StateError) {
        self.init(error.message, code: error.code == .unreadable ? .cannotRead : .data)
    }
}
