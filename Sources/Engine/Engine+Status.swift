internal import Evaluation
internal import EventLog
internal import Events
internal import Foundation
internal import Identities
internal import LiveScores
internal import Locking
internal import LookUps
internal import Retrieval
internal import SQLiteFiles
internal import State
internal import StreamLearning

extension Engine {
    public func models() -> [ModelStatus] {
        let snapshot = published.snapshot
        return zip(state.models, snapshot.models).map { model, numbers in
            let isDefault = model.options.name == snapshot.defaultModel?.name
            return ModelStatus(
                name: model.options.name, learner: model.options.learnerName, isDefault: isDefault,
                fields: fields(of: model, numbers)
                    + (isDefault ? promotionFields(snapshot.defaultModel?.promoted) : []))
        }
    }

    public var eventsApplied: Int64 { published.snapshot.counters.applied }

    public func status() -> [StatusField] {
        let snapshot = published.snapshot
        var fields = serverFields()
        fields += LearnedState.Counters.all.map {
            StatusField("events.\($0.name)", .integer(snapshot.counters[keyPath: $0.path]))
        }
        fields.append(StatusField("events.in-memory", .integer(Int64(backlog.events))))
        fields += logFields(snapshot)
        fields.append(StatusField("users.count", .integer(Int64(state.users.read { $0.count }))))
        fields.append(StatusField("items.count", .integer(Int64(state.items.read { $0.count }))))
        fields += defaultModelFields(snapshot.defaultModel) + healthFields()
        for (model, numbers) in zip(state.models, snapshot.models) {
            fields += self.fields(of: model, numbers).map {
                StatusField("model.\(model.options.name).\($0.name)", $0.value)
            }
        }
        return fields + lookupFields() + stageFields() + checkpointFields()
            + generationFields() + memoryFields() + residenceFields() + clusterFields()
    }

    /// How passes over the catalogue were made, each path that served with how often.
    private func lookupFields() -> [StatusField] {
        lookUps.scans.taken.map { StatusField("lookups.\($0.path.rawValue)", .integer(Int64($0.count))) }
    }

    /// Where the time of ingest went, since the start.
    private func stageFields() -> [StatusField] {
        let times = stages.all
        return StageTimes.Stage.allCases.map {
            StatusField("stage.\($0.rawValue)-s", .double(times[$0]?.wallSeconds ?? 0))
        }
    }

    private func serverFields() -> [StatusField] {
        [
            StatusField("server.pid", .integer(Int64(ProcessInfo.processInfo.processIdentifier))),
            StatusField(
                "server.uptime-s", .double(started.duration(to: ContinuousClock().now).milliseconds / 1000)),
            StatusField("server.shards", .integer(Int64(state.shards.count))),
            StatusField("server.deterministic", .bool(options.state.deterministic)),
        ]
    }

    private func logFields(_ snapshot: Snapshot) -> [StatusField] {
        let health = log.health()
        var fields = [
            StatusField("log.name", .text(log.name)), StatusField("log.reachable", .bool(health.reachable)),
            StatusField("log.last-error", .text(health.lastError ?? "")),
        ]
        if let storage = log.storage { fields += storageFields("log", storage) }
        if let at = health.lastErrorAt {
            let age = at.duration(to: ContinuousClock().now).milliseconds / 1000
            fields.append(StatusField("log.last-error-age-s", .double(max(0, age))))
            fields.append(StatusField("log.last-error-over", .bool(health.reachable)))
        }
        let losses = log.deadLetterLosses
        fields.append(StatusField("dead-letters.waiting", .integer(Int64(log.deadLettersHeld))))
        fields.append(StatusField("dead-letters.cut", .integer(Int64(losses.cut))))
        fields.append(StatusField("dead-letters.dropped", .integer(Int64(losses.dropped))))
        var lag: Int64 = 0
        for (partition, position) in snapshot.positions.sorted(by: { $0.key < $1.key }) {
            fields.append(StatusField("position.\(partition)", .integer(position)))
        }
        for partition in log.partitions() {
            guard let end = partition.end else { continue }
            let behind = max(0, end - (snapshot.positions[partition.partition] ?? partition.earliest ?? 0))
            fields.append(StatusField("lag.\(partition.partition)", .integer(behind)))
            lag += behind
        }
        return fields + [StatusField("lag.total", .integer(lag))]
    }

    private func defaultModelFields(_ model: DefaultModel?) -> [StatusField] {
        guard let model else { return [] }
        return [
            StatusField("default-model.name", .text(model.name)),
            StatusField("default-model.configured", .text(model.configured)),
            StatusField("default-model.promotions", .integer(model.promotions)),
        ] + promotionFields(model.promoted).map { StatusField("default-model.\($0.name)", $0.value) }
    }

    /// Why the default is not the model that the configuration names, where it is not.
    private func promotionFields(_ promotion: Promotion?) -> [StatusField] {
        guard let promotion else { return [] }
        return [
            StatusField("promoted-at", .text(promotion.token.description)),
            StatusField("promoted-because", .text(promotion.because)),
        ]
    }

    /// A model against the default on the same events: over the window, and since the start of the state.
    private func leadFields(_ lead: ModelComparison.Lead?) -> [StatusField] {
        guard let lead else { return [] }
        var fields = [
            StatusField("lead-over", .text(lead.over)),
            StatusField("lead-measure", .text(lead.measure.rawValue)),
        ]
        for (suffix, sums) in [("", lead.window), (".total", lead.total)] {
            fields.append(StatusField("lead-events\(suffix)", .integer(sums.count)))
            guard sums.count > 0 else { continue }
            let interval = sums.interval(error: ModelComparison.Lead.error)
            for (name, value) in [
                ("lead", sums.mean), ("lead-low", interval.lowerBound), ("lead-high", interval.upperBound),
            ] {
                fields.append(StatusField("\(name)\(suffix)", .double(value * lead.measure.unit)))
            }
        }
        return fields
    }

    /// The score over the window and over all time, each beside its baseline on the same events, and the standard error of
    /// the difference between the two.
    private func fields(of model: ModelState, _ numbers: Snapshot.Model) -> [StatusField] {
        var fields = [
            StatusField("learner", .text(model.options.learnerName)),
            StatusField("updates", .integer(Int64(numbers.updates))),
            StatusField("rejected", .integer(Int64(numbers.rejected))),
            StatusField("unhealthy", .bool(!numbers.isHealthy)),
        ]
        for (suffix, sums) in [("", numbers.score.window), (".total", numbers.score.total)] {
            fields.append(StatusField("scored\(suffix)", .integer(sums.count)))
            guard sums.count > 0 else { continue }
            let (value, baseline) = (sums.model / Double(sums.count), sums.baseline / Double(sums.count))
            if model.rule.predictsRatings {
                fields.append(StatusField("rmse\(suffix)", .double(value.squareRoot())))
                fields.append(StatusField("rmse-means\(suffix)", .double(baseline.squareRoot())))
                // Of squared errors it is known; a root is by twice itself less.
                let error = sums.difference.standardError / (2 * max(value.squareRoot(), 1e-9))
                fields.append(StatusField("rmse-error\(suffix)", .double(error)))
            } else {
                fields.append(StatusField("recall@10\(suffix)", .double(value)))
                fields.append(StatusField("recall@10-popularity\(suffix)", .double(baseline)))
                fields.append(
                    StatusField("recall@10-error\(suffix)", .double(sums.difference.standardError)))
            }
        }
        let baseline = model.rule.predictsRatings ? "means" : "popularity"
        fields.append(StatusField("loses-to-\(baseline)", .bool(numbers.losesToBaseline)))
        return fields + leadFields(numbers.lead)
    }

    /// Of a file of SQLite's: `state` or `log`.
    private func storageFields(_ name: String, _ storage: DatabaseStorage) -> [StatusField] {
        [
            StatusField("\(name).wal-bytes", .integer(storage.walBytes)),
            StatusField("\(name).wal-held-by-reader", .text(storage.walHeldBy)),
        ]
    }

    private func checkpointFields() -> [StatusField] {
        let report = checkpointer.report
        var fields = storageFields("state", checkpointer.storage)
        fields.append(StatusField("state.path", .text(URL(filePath: checkpointer.path).path)))
        fields.append(StatusField("state.file-bytes", .integer(checkpointer.fileBytes)))
        if let free = DiskRoom.free(at: checkpointer.path) {
            fields.append(StatusField("state.disk-free-bytes", .integer(free)))
        }
        fields.append(StatusField("state.file-error", .text(report.fileError ?? "")))
        fields += [
            StatusField("checkpoint.written", .integer(Int64(report.written))),
            StatusField("checkpoint.failed", .integer(Int64(report.failed))),
            StatusField("checkpoint.last-error", .text(report.lastError ?? "")),
            StatusField("checkpoint.last-rows", .integer(Int64(report.lastRows))),
            StatusField("checkpoint.last-ms", .double(report.lastDuration.milliseconds)),
            StatusField("checkpoint.last-pause-ms", .double(report.lastPause.milliseconds)),
        ]
        if let last = report.lastAt {
            fields.append(
                StatusField(
                    "checkpoint.age-s", .double(last.duration(to: ContinuousClock().now).milliseconds / 1000))
            )
        }
        return fields
    }
}
