/// Why a training stopped; each says what to do about it.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The guard refused more than `Trainer.rejectedShareMax` of an epoch's updates.
    case rejected(epoch: Int, share: Double, advice: String)
    /// An epoch's loss was above that of the untrained model.
    case diverged(epoch: Int, loss: Double, untrained: Double, advice: String)
    /// An event's value that no learner can take.
    case badValue(index: Int, value: Float, wanted: String)
    /// The model to go on from is of another shape.
    case otherShape(String)

    public var description: String {
        switch self {
        case .rejected(let epoch, let share, let advice):
            """
            training stopped in epoch \(epoch): \(percent(share)) of the updates would have made a row not finite or \
            longer than the guard allows, and were dropped; \(advice)
            """
        case .diverged(let epoch, let loss, let untrained, let advice):
            """
            training stopped after epoch \(epoch): it diverges; the loss is \(loss), that of the untrained model \
            \(untrained); \(advice)
            """
        case .badValue(let index, let value, let wanted):
            "event \(index) has the value \(value); \(wanted)"
        case .otherShape(let reason): reason
        }
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
