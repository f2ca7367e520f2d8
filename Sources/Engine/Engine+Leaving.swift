internal import Checkpoints
internal import Dispatch
internal import Events
internal import Factors
internal import Identities
internal import Locking
internal import Logging
internal import LookUps
internal import State
internal import StreamLearning

/// How many users fit into memory, where it has a limit. Confined to the engine's queue.
struct ResidenceControl {
    /// Of what the limit leaves for users, a tenth stays free for those who come; so many leave at once.
    static let keptShare = 0.9
    /// Of what users have on the heap, what the allocator takes beside.
    private static let heapFactor = 1.15

    /// Bytes.
    let limit: Int
    /// Resident before anything was learned, and counted nowhere.
    let base: Int
    /// Of a user's rows and columns.
    let rowBytes: Int
    /// Users of a batch, so that it can be learned at all.
    let usersMin: Int
    private(set) var usersMax: Int
    /// What was last said of a limit that is too small.
    private(set) var shortBy = 0

    init(limit: Int, base: Int, rowBytes: Int, usersMin: Int) {
        (self.limit, self.base, self.rowBytes, self.usersMin) = (limit, base, rowBytes, usersMin)
        usersMax = max(usersMin, limit / rowBytes)
    }

    /// Takes the memory as it is now.
    mutating func take(_ parts: MemoryParts, residents: Int) {
        let state = parts.state
        let fixed = parts.sum - state.users - state.histories + state.unleavable
        let heap = residents > 0 ? Self.heapFactor * Double(state.histories) / Double(residents) : 0
        let room = Double(limit - base - fixed)
        let perUser = Double(rowBytes) + heap
        usersMax = max(usersMin, Int(room / perUser))
        shortBy = max(0, Int(Double(usersMin) * perUser - room))
    }
}

/// Users heard of least recently leave memory, so that it keeps within `memory.limit`. On the engine's queue.
extension Engine {
    /// Where there is a limit; before anything is learned.
    func beginLeaving() {
        let parts = memoryParts
        let models = options.state.models
        let rowBytes = models.reduce(UserShard.bytesPerUser(of: models)) {
            $0 + ($1.learnsRows ? FactorTable.bytesPerRow(factors: options.state.factors) : 1)
        }
        confined.residence = ResidenceControl(
            limit: options.memoryLimit, base: max(0, (ResidentMemory.bytes ?? 0) - parts.sum),
            rowBytes: rowBytes,
            usersMin: 2 * options.ingest.batchEventsMax)
        confined.residents = state.residentCount
        reviewResidence()
    }

    /// Of users who have left memory.
    static func tell(_ trouble: StateError?, _ logger: Logger) {
        if let trouble {
            logger.error(
                "users who have left memory cannot be read: who is heard of waits, and what comes after; trying on",
                metadata: ["error": "\(trouble)"])
        } else {
            logger.notice("users who have left memory can be read again")
        }
    }

    /// After the memory was measured.
    func reviewResidence() {
        guard var control = confined.residence else { return }
        let shortBefore = control.shortBy
        control.take(memoryParts, residents: confined.residents)
        confined.residence = control
        guard control.shortBy > 0, shortBefore == 0 else { return }
        let parts = memoryParts.named.filter { $0.bytes >= 1 << 20 && $0.name != "histories" }
            .map { "\($0.name) \($0.bytes >> 20) MiB" }.joined(separator: ", ")
        logger.warning(
            "memory.limit does not hold what cannot leave memory and the users of two batches beside",
            metadata: [
                "limit": "\(control.limit >> 20) MiB", "short-by": "\(control.shortBy >> 20) MiB",
                "parts": "\(parts)",
            ])
    }

    /// Makes room for the users of a batch. False where learning has to wait: nobody may leave before the checkpoint that is
    /// being written has ended.
    func makeRoom(for batch: Int) -> Bool {
        guard let control = confined.residence, confined.residents + batch > control.usersMax else {
            return true
        }
        settle()
        letLeave(beside: batch)
        // Some more than fit are better than a wait; half as many again are not.
        guard confined.residents + batch > control.usersMax + control.usersMax / 8 else { return true }
        if !confined.checkpointRunning { startCheckpoint([]) }
        return !confined.checkpointRunning
    }

    /// As many as are too many leave, if they may. Nothing may be prepared or on its way to the state.
    func letLeave(beside batch: Int = 0) {
        guard let control = confined.residence else { return }
        confined.residents = state.residentCount
        guard confined.residents + batch > control.usersMax else { return }
        let wanted = Int(ResidenceControl.keptShare * Double(control.usersMax)) - batch
        _ = state.letLeave(confined.residents - max(0, wanted))
        confined.residents = state.residentCount
    }

    /// A batch that cannot be learned yet comes next when it can.
    func hold(_ batch: IngestBatch) {
        waiting.putBack(batch)
        confined.heldTurns += 1
    }

    /// Learning goes on with what was held.
    func releaseHeld(after wait: DispatchTimeInterval? = nil) {
        // Else it is read from the log again.
        guard !isStopped else { return }
        let turns = confined.heldTurns
        confined.heldTurns = 0
        for _ in 0..<turns {
            if let wait {
                queue.asyncAfter(deadline: .now() + wait) { [self] in takeTurn() }
            } else {
                queue.async { [self] in takeTurn() }
            }
        }
    }

    func residenceFields() -> [StatusField] {
        guard options.memoryLimit > 0 else { return [] }
        let (snapshot, counts) = (published.snapshot, state.spill?.counts ?? SpillStore.Counts())
        let found = counts.lookUps > 0 ? Double(counts.kept) / Double(counts.lookUps) : .nan
        return [
            StatusField("memory.limit", .integer(Int64(options.memoryLimit))),
            StatusField("residence.users", .integer(Int64(snapshot.residents))),
            StatusField(
                "residence.away", .integer(Int64(max(0, state.users.read { $0.count } - snapshot.residents)))),
            StatusField("residence.left", .integer(counts.left)),
            StatusField("residence.came-back", .integer(counts.cameBack)),
            StatusField("residence.look-ups-away", .integer(counts.lookUps)),
            StatusField("residence.look-ups-kept", .integer(counts.kept)),
            StatusField("residence.hit-rate", .double(found)),
            StatusField("residence.error", .text(state.spill?.trouble?.message ?? "")),
        ]
    }
}
