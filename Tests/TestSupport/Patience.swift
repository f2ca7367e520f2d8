import Foundation

/// How long tests wait for what comes soon: a bound that only keeps a broken program from hanging them.
public enum Patience {
    /// `FRESHET_TEST_PATIENCE` in seconds, for programs that a sanitizer slows down.
    public static let seconds =
        ProcessInfo.processInfo.environment["FRESHET_TEST_PATIENCE"].flatMap { Int($0) } ?? 60

    public static var duration: Duration { .seconds(seconds) }
}
