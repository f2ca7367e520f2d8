import Foundation

/// How a process ended.
public enum Ending: Equatable, CustomStringConvertible {
    case exit(Int32)
    case signal(Int32)

    fileprivate init(waitStatus status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .exit((status >> 8) & 0xff) : .signal(signal)
    }

    public var description: String {
        switch self {
        case .exit(let code): "exit \(code)"
        case .signal(let number): "signal \(number)"
        }
    }
}

/// A child process with its output in files (its errors among it where no file is named for them); killed and reaped with this object at the latest.
///
/// Not `Foundation.Process`: the child must not inherit the mock broker's sockets, else a broker that goes down would
/// stay connected through it. Besides, that reads past the end of its list of open files where there are some 1,365.
public final class ChildProcess {
    public let id: Int32
    private var ending: Ending?

    public init(_ command: [String], input: String = "/dev/null", output: String, errors: String? = nil)
        throws
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        // All that a test process may hold open, and not a list of what is: other tests open sockets meanwhile.
        for descriptor: Int32 in 3..<8_192 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals as a shell would hand them down, whatever the test runner ignores or blocks.
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        // Nothing of the caller's configuration may reach the daemon.
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("FRESHET_") }
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, command[0], &actions, &attributes, arguments, variables)
        guard code == 0 else {
            throw TestFailure("cannot start \(command[0]): \(String(cString: strerror(code)))")
        }
        self.id = id
    }

    deinit {
        if poll() == nil {
            kill(id, SIGKILL)
            waitpid(id, nil, 0)
        }
    }

    public func send(_ signal: Int32) {
        if poll() == nil { kill(id, signal) }
    }

    /// How it ended, if it has.
    public func poll() -> Ending? {
        if let ending { return ending }
        var status: Int32 = 0
        if waitpid(id, &status, WNOHANG) == id { ending = Ending(waitStatus: status) }
        return ending
    }

    public func wait(seconds: Int = Patience.seconds) throws -> Ending {
        try eventually("process \(id) ends", seconds: seconds) { poll() != nil }
        return try poll().orThrow("process \(id) has no ending")
    }
}

public struct TestFailure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension Optional {
    public func orThrow(_ words: @autoclosure () -> String) throws -> Wrapped {
        guard let self else { throw TestFailure(words()) }
        return self
    }
}

/// Asks again and again; the bound only keeps a broken daemon from hanging the tests.
public func eventually(
    _ what: @autoclosure () -> String, seconds: Int = Patience.seconds, _ holds: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !holds() {
        guard ContinuousClock.now < deadline else { throw TestFailure("not within \(seconds) s: \(what())") }
        usleep(5_000)
    }
}
