internal import ArgumentParser
internal import BenchmarkSupport
internal import CScheduling
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

/// Becomes another program, which ends when the process ends that has started it, however that came about: a benchmark that
/// is killed leaves no daemon behind.
struct EndWithParent: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "end-with-parent", shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough) var command: [String]

    func run() throws {
        // Asked for first, so that a parent that is gone by now is noticed here.
        guard scheduling_end_with_parent(SIGTERM) == 0, getppid() != 1 else {
            throw ExitCode(EXIT_FAILURE)
        }
        // Commands run on a thread that blocks signals, and a program inherits what is blocked.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        execv(command.first ?? "", arguments)
        throw BenchmarkFailure("cannot run '\(command.first ?? "")': errno \(errno)")
    }
}
