internal import Generations
internal import Logging
public import LookUps
public import Quarantine
internal import State

/// What the guard has dropped, and which models are not to be asked by those who name none.
extension Engine {
    public func quarantine(_ count: Int, model: String?) throws(LookupError) -> [QuarantinedUpdate] {
        let number = try model.map { name throws(LookupError) in try lookUps.modelNumber(name) }
        return state.quarantine.latest(count, model: number)
    }

    func report(_ rejections: [Rejection]) {
        guard let first = rejections.first else { return }
        logger.warning(
            "the guard dropped updates that were not finite or passed engine.norm-max; a lower learning-rate helps",
            metadata: [
                "model": "\(options.state.models[first.model].name)",
                "token": "\(first.partition):\(first.offset)", "why": "\(first.reason.rawValue)",
                "updates": "\(rejections.reduce(0) { $0 + $1.steps })",
            ])
    }

    /// Says once when a model becomes unhealthy, with the way back, and once when it no longer is.
    func tellHealth(of models: [Int]) {
        for number in models {
            let model = state.models[number]
            guard !model.health.isHealthy else {
                logger.notice(
                    "a model is healthy again", metadata: ["model": "\(model.options.name)"])
                continue
            }
            logger.error(
                "a model is unhealthy: the guard drops too many of its updates, and look-ups that name no model ask it no more",
                metadata: [
                    "model": "\(model.options.name)",
                    "answered-by": "\(StandardModel(of: state).name(in: state))",
                    "rejected": "\(model.rejected)", "way-back": "\(wayBack)",
                ])
        }
    }

    /// At the start, of models that were unhealthy when the state was saved.
    func tellUnhealthy() {
        tellHealth(of: state.models.indices.filter { !state.models[$0].health.isHealthy })
    }

    /// Not looked into, which would take its time: `restore` does so.
    private var wayBack: String {
        guard let newest = generations.report.newest else {
            return "lower the model's learning-rate; there is no generation to go back to (checkpoint.keep)"
        }
        return
            "lower the model's learning-rate, or stop and go back to the newest generation: freshet checkpoint restore "
            + "\(newest.name); QUARANTINE lists what was dropped"
    }

    /// Of the default model and who answers for it.
    func healthFields() -> [StatusField] {
        let standard = published.standard
        return [
            StatusField("default-model.answered-by", .text(standard.name(in: state))),
            StatusField(
                "models-unhealthy",
                .integer(Int64(published.snapshot.models.count { !$0.isHealthy }))),
        ]
    }
}
