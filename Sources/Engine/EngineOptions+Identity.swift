public import Checkpoints
internal import State

extension EngineOptions {
    /// What a state's file has to be of, to be learned on with these options.
    ///
    /// - Parameter source: of the log, as `EventLog.source` has it.
    public func identity(source: String) -> StateIdentity {
        StateIdentity(
            factors: state.factors,
            models: Dictionary(
                state.models.map { ($0.name, $0.learnerName) }, uniquingKeysWith: { first, _ in first }),
            source: source)
    }
}
