public import Events
public import Reporting

/// What the commands that read files end with where some of it was no event.
public enum PassedOver {
    /// The failure to end with once all else is done: the lines' number and the first of them. `nil` where there were
    /// none.
    ///
    /// - Parameters:
    ///   - lines: how many were passed over.
    ///   - first: some of them.
    public static func failure(lines: Int, first: [BadLine]) -> CommandError? {
        guard lines > 0 else { return nil }
        let head =
            "\(NumberText.grouped(lines)) \(lines == 1 ? "line was" : "lines were") passed over, which --lenient "
            + "takes for success; first:"
        return CommandError(([head] + first.map(\.description)).joined(separator: "\n  "), code: .passedOver)
    }

    /// The failure to end with where nothing at all was an event.
    ///
    /// - Parameter paths: of the files.
    public static func nothing(in paths: [String], lines: Int, first: [BadLine]) -> CommandError {
        let names = paths.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
        let head =
            "\(names): nothing in it is an event"
            + (lines > 0 ? "; first:" : "; there are no lines but the header")
        return CommandError(([head] + first.map(\.description)).joined(separator: "\n  "), code: .data)
    }
}
