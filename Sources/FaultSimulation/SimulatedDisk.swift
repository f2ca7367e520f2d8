// FaultSimulation: the whole engine in one process, from one seed, on a log, a clock and a disk that fail.
//
// Here live the simulated broker and disk, the scripts that a seed stands for, who runs them, the plain model that says
// what the state has to be, planted bugs, and the shrinking of a script that fails. A seed comes in; what goes out is what
// was promised and not kept, with the script that shows it. What never comes in: real files, sockets, time.

internal import CSimulatedDisk

/// A disk in memory that an SQLite file may stand on, and that fails as it is told. Safe from any thread.
struct SimulatedDisk: Sendable {
    /// What goes wrong at a step: a write, a truncation, a sync, a deletion.
    enum Fault: Sendable, Equatable {
        /// Half of what was to be written is.
        case ioError
        case full
        /// A sync fails, and what it was to make durable never is, unless it is written again.
        case syncLost
        /// The machine stops before the step, or in the middle of it.
        case stops
        case stopsWithin

        fileprivate var code: simulated_disk_fault {
            switch self {
            case .ioError: SIMULATED_DISK_IO_ERROR
            case .full: SIMULATED_DISK_FULL
            case .syncLost: SIMULATED_DISK_SYNC_LOST
            case .stops: SIMULATED_DISK_STOPS
            case .stopsWithin: SIMULATED_DISK_STOPS_WITHIN
            }
        }
    }

    /// How a machine ends.
    enum Crash: Sendable, Equatable {
        /// The process alone: what was written is there.
        case process
        /// What was synced is there, and of the rest what the seed says.
        case power(UInt64)
    }

    private static let file = "state.sqlite"

    private let id: Int64

    init() { id = simulated_disk_create() }

    private init(_ id: Int64) { self.id = id }

    /// For who opens a state file on it.
    var path: String { "file:/\(id)/\(Self.file)?vfs=freshet-simulated" }

    /// As it is found after a crash. This one takes nothing more.
    func crash(_ crash: Crash) -> SimulatedDisk {
        switch crash {
        case .process: SimulatedDisk(simulated_disk_crash(id, SIMULATED_DISK_PROCESS_ENDS, 0))
        case .power(let seed): SimulatedDisk(simulated_disk_crash(id, SIMULATED_DISK_POWER_FAILS, seed))
        }
    }

    /// Nobody opens it any more.
    func release() { simulated_disk_release(id) }

    /// Writes, truncations, syncs and deletions so far.
    var steps: Int { Int(simulated_disk_steps(id)) }

    /// `count` steps fail so, `after` steps from now; `nil` ends that.
    func plan(_ fault: Fault?, after: Int = 0, count: Int = 1) {
        simulated_disk_plan(id, fault?.code ?? SIMULATED_DISK_SOUND, Int64(after), Int64(count))
    }

    /// Whether what was planned has happened.
    var hasFailed: Bool { simulated_disk_failed(id) != 0 }
    var isStopped: Bool { simulated_disk_stopped(id) != 0 }

    func omitSyncs() { simulated_disk_omit_syncs(id) }

    /// The step after `after` others waits.
    func hold(after: Int) { simulated_disk_hold(id, Int64(after)) }

    /// Whether a step is held by now, or before `wake` is called.
    func waitUntilHeld() -> Bool {
        simulated_disk_wait_held(id, Int64(SimulationLimits.hangSeconds * 1_000)) != 0
    }
    func wake() { simulated_disk_wake(id) }
    func letGo() { simulated_disk_let_go(id) }

    func holds(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { simulated_disk_holds(id, $0.baseAddress, Int64($0.count)) != 0 }
    }

    /// Runs SQL beside the engine, as a planted bug does.
    func execute(_ sql: String) -> Bool { simulated_disk_execute(id, Self.file, sql) == 0 }

    /// The same while no engine has the file; then it is as one of before rows had checksums, which are made anew where it is
    /// opened. They would find what is planted at once, and prove nothing of those who look at what is learned.
    func executeUnseen(_ sql: String) {
        let tables = ["scalars", "model_scalars", "users", "items", "user_factors", "item_factors"]
        let older =
            tables.map { "ALTER TABLE \($0) DROP COLUMN checksum" } + [
                "DELETE FROM identity WHERE key = 'file'", "DROP TABLE checksums", "DROP TABLE erasures",
                "PRAGMA user_version = 5",
            ]
        _ = execute(([sql] + older).joined(separator: "; "))
    }
}

enum SimulationLimits {
    /// After so long without an answer the engine hangs. Far longer than anything takes.
    static let hangSeconds = 60
}
