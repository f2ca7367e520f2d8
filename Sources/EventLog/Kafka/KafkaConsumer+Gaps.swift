import CRdKafka

/// Offsets that are wanted and not there.
extension KafkaConsumer {
    private static let watermarkMilliseconds: Int32 = 1_000

    func mendGaps() {
        for partition in gaps.sorted() where failure == nil {
            guard let wanted = wanted[partition] else {
                gaps.remove(partition)
                continue
            }
            // Without an answer the broker is away again; the next poll asks once more.
            guard
                let (earliest, end) = client.queryWatermarks(
                    topic: kafka.topic, partition: partition, milliseconds: Self.watermarkMilliseconds)
            else { continue }
            gaps.remove(partition)
            // A logical offset was never a promise to the state.
            let start =
                wanted < 0
                ? earliest
                : start(
                    partition, .init(next: wanted), .init(earliest: earliest, end: end), found: [])
            if let start { move(partition, to: start) }
        }
    }

    /// Fetches on from `offset`. A partition that has failed cannot be sought (librdkafka 2.0 answers "erroneous
    /// state"), so it is taken out and put back.
    func move(_ partition: Int32, to offset: Int64) {
        wanted[partition] = nil
        remove([partition])
        wanted[partition] = offset
        place([partition: offset])
    }
}
