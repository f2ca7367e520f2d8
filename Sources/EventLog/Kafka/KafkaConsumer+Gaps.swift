import CRdKafka
import Logging

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
            mend(partition, wanted: wanted, earliest: earliest, end: end)
        }
    }

    private func mend(_ partition: Int32, wanted: Int64, earliest: Int64, end: Int64) {
        let isInside = (earliest...max(earliest, end)).contains(wanted)
        // A logical offset, or one that is there after all, was never a promise to the state.
        if isInside || wanted < 0 { return move(partition, to: isInside ? wanted : earliest, wanted: wanted) }
        guard options.onGap == .skip else {
            failure = EventLogError(
                .gap,
                "\(kafka.name), partition \(partition): offset \(wanted) is wanted next, but the broker "
                    + "holds "
                    + "\(earliest) to \(end) (end not included). Put back the state or the topic that belong "
                    + "together, or set source.on-gap: skip to go on without the events that are gone")
            return
        }
        if wanted < earliest {
            logger.warning("\(kafka.name), partition \(partition): skipping offsets \(wanted) to \(earliest)")
            delegate.skipped(partition: partition, from: wanted, to: earliest)
            move(partition, to: earliest, wanted: earliest)
        } else {
            logger.warning(
                """
                \(kafka.name), partition \(partition): the state stands at offset \(wanted), \
                the topic ends at \(end). New events below \(wanted) count as learned and are \
                left out; was the topic created anew?
                """)
            delegate.skipped(partition: partition, from: end, to: wanted)
            move(partition, to: end, wanted: wanted)
        }
    }

    /// Fetches on from `offset`, still handing out nothing below `wanted`. A partition that has failed cannot
    /// be sought (librdkafka 2.0 answers "erroneous state"), so it is taken out and put back.
    private func move(_ partition: Int32, to offset: Int64, wanted: Int64) {
        self.wanted[partition] = nil
        remove([partition])
        self.wanted[partition] = wanted
        place([partition: offset])
    }
}
