internal import Foundation

/// The time of day, which whoever runs the machine may set: for what is written down, never for how long ago something
/// was; that is what `ContinuousClock` is for.
public struct WallClock: Sendable {
    /// The machine's.
    public static let system = WallClock { Int64((Date().timeIntervalSince1970 * 1_000).rounded(.down)) }

    private let read: @Sendable () -> Int64

    /// - Parameter read: gives milliseconds since 1970.
    public init(_ read: @escaping @Sendable () -> Int64) { self.read = read }

    /// Milliseconds since 1970; 0 where the clock stands before that.
    public var milliseconds: Int64 { max(0, read()) }
}
