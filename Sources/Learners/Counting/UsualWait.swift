#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// After how long something is usually taken again, as a logarithm to base 2 of minutes or, where events have no times, of
/// events of the user.
public enum UsualWait {
    /// Waits of a user's own that what is known of the item from everybody is worth.
    private static let itemWorth: Float = 3
    /// An item's mean is of about as many at most, so that it follows a change.
    private static let itemMost: Float = 200

    /// `nil` for what is no wait.
    public static func logarithm(_ wait: Double) -> Float? {
        wait > 0 && wait.isFinite ? Float(log2(wait)) : nil
    }

    /// One more wait of an item.
    ///
    /// - Parameters:
    ///   - mean: of its waits so far.
    ///   - count: how many these are.
    public static func take(_ wait: Float, mean: inout Float, count: inout Float) {
        count = min(Self.itemMost, count + 1)
        mean += (wait - mean) / count
    }

    /// What a user's own waits and those of everybody say together.
    ///
    /// - Parameters:
    ///   - own: the mean of the user's own; `nil` where there are none.
    ///   - item: that of everybody; `nil` where there are none.
    public static func expected(own: Float?, ofWaits count: Int, item: Float?) -> Float? {
        guard let own else { return item }
        guard let item else { return own }
        let count = Float(count)
        return (count * own + itemWorth * item) / (count + itemWorth)
    }

    /// In eighths of octaves, one byte; 0 for `nil`.
    public static func byte(_ logarithm: Float?) -> UInt8 {
        guard let logarithm, logarithm.isFinite else { return 0 }
        return UInt8(1 + min(254, max(0, (8 * (logarithm + 4)).rounded())))
    }

    /// The wait itself; `nil` for 0.
    public static func wait(_ byte: UInt8) -> Double? {
        byte > 0 ? exp2(Double(byte - 1) / 8 - 4) : nil
    }
}
