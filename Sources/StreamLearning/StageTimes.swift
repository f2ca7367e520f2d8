/// Where the time of batches went.
package struct StageTimes: Sendable {
    /// Knowing again, interning, counting, cutting into cells; while the batch before is learned.
    package var prepare = Duration.zero
    /// Of the engine's queue, for shards to end.
    package var wait = Duration.zero
    /// Learning, summed over the shards.
    package var learn = Duration.zero
    /// Showing changed items to look-ups.
    package var publish = Duration.zero

    package init() {}

    package mutating func add(_ other: StageTimes) {
        prepare += other.prepare
        wait += other.wait
        learn += other.learn
        publish += other.publish
    }
}
