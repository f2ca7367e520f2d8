internal import Engine
internal import EventLog
internal import Events
internal import State
internal import StreamLearning

/// The same log learned straight on: no log that fails, no file, no restart. With one partition and in deterministic mode
/// the state of the engine has its digest wherever it stands.
struct UndisturbedRun {
    private let state: LearnedState
    private let application: BatchApplication
    private let decoder: EventDecoder
    private var dice: Dice
    private(set) var position: Int64 = 0

    init(_ setting: Setting, seed: UInt64) {
        var options = setting.engineOptions
        options.memoryLimit = 0
        state = LearnedState(options: options.state)
        application = BatchApplication(state: state, options: options.learning)
        decoder = EventDecoder(options: setting.events)
        // Batches of other lengths than the engine's.
        dice = Dice(seed ^ 0xBA7C)
    }

    /// Learns up to `end`, without what was gone.
    mutating func learn(to end: Int64, _ broker: SimulatedBroker, skips: [SkippedRecords]) {
        while position < end {
            if let skip = skips.first(where: { $0.from == position && $0.to > position }) {
                if skip.isCounted { state.counters.skipped += skip.to - skip.from }
                state.positions[0] = skip.to
                position = skip.to
                continue
            }
            let stop = skips.map(\.from).filter { $0 > position }.min() ?? end
            let next = min(stop, end, position + Int64(dice.within(1...90)))
            application.apply(batch(position..<next, broker))
            position = next
        }
    }

    private func batch(_ offsets: Range<Int64>, _ broker: SimulatedBroker) -> IngestBatch {
        var batch = IngestBatch()
        batch.positions = [0: offsets.upperBound]
        for offset in offsets {
            guard let record = broker.record(0, offset) else { continue }
            guard !record.isTombstone else {
                batch.tombstones.append(Token(partition: 0, offset: offset))
                continue
            }
            let padded = record.payload + [UInt8](repeating: 0, count: EventDecoder.padding)
            padded.withUnsafeBytes { bytes in
                let payload = UnsafeRawBufferPointer(rebasing: bytes[..<record.payload.count])
                do throws(EventError) {
                    try decoder.decode(
                        payload, token: Token(partition: 0, offset: offset), logTime: record.time,
                        into: &batch.events)
                } catch {
                    batch.deadLetters.append(Token(partition: 0, offset: offset))
                }
            }
        }
        return batch
    }

    var digest: String { state.digest() }
}
