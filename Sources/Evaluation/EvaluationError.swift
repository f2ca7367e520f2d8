/// Why an evaluation has no honest answer.
public enum EvaluationError: Error, Sendable, Equatable {
    /// A model whose scores are no numbers is not ranked as if they were.
    case nonFinite(model: String, user: String)
    /// Nothing would be left to learn from, or nothing to test on.
    case emptyPart(String)
    /// A line of a file with given negatives.
    case malformed(line: Int, String)
}

extension EvaluationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .nonFinite(let model, let user):
            "model '\(model)' scores user '\(user)' with something that is no number; it has diverged: lower its "
                + "learning rate or raise its regularization"
        case .emptyPart(let what): what
        case .malformed(let line, let what): "line \(line): \(what)"
        }
    }
}
