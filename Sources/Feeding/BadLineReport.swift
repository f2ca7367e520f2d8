public import Reporting

/// Says the first bad lines in full and leaves the rest to the summary.
public struct BadLineReport {
    private static let linesMax = 10
    private let progress: EventProgress
    private var count = 0

    /// - Parameter progress: whose line has to make room.
    public init(progress: EventProgress) { self.progress = progress }

    /// Says one more line that is no event, with its place and the reason, if not enough was said already.
    public mutating func say(_ line: some CustomStringConvertible) {
        count += 1
        guard count <= Self.linesMax else { return }
        progress.clear()
        Terminal.writeError("\(line)")
        if count == Self.linesMax { Terminal.writeError("further bad lines are only counted") }
    }
}
