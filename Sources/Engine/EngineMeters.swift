internal import CoreMetrics

/// What the engine measures as it goes, beside what it counts in the state.
struct EngineMeters: Sendable {
    /// Events of each batch.
    let batchEvents: Recorder
    /// From an event's coming into the log to where look-ups see it, in seconds; of the oldest event of each publication.
    let freshness: Recorder

    init(_ metrics: any MetricsFactory) {
        batchEvents = Recorder(
            label: "freshet_batch_events", dimensions: [], aggregate: true, factory: metrics)
        freshness = Recorder(
            label: "freshet_freshness_seconds", dimensions: [], aggregate: true, factory: metrics)
    }
}
