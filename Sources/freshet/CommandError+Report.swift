import ArgumentParser
import Reporting

extension CommandError {
    /// Says it, and gives what to throw out of `run`.
    func report() -> ExitCode {
        Terminal.writeError("freshet: \(message)")
        return ExitCode(code.rawValue)
    }
}
