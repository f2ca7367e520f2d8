import Engine

/// Fields of STATUS and MODELS by their names.
extension [StatusField] {
    /// `nil` of a field that is not there, or is no number.
    package func number(_ name: String) -> Double? {
        switch first(where: { $0.name == name })?.value {
        case .integer(let number): Double(number)
        case .double(let number): number.isFinite ? number : nil
        case .bool(let flag): flag ? 1 : 0
        case .text, nil: nil
        }
    }

    package func text(_ name: String) -> String {
        if case .text(let text)? = first(where: { $0.name == name })?.value { text } else { "" }
    }
}
