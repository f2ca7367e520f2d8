#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How much a liking counts for a learner.
public enum LikingWeight {
    /// As it is up to 1, and by its logarithm beyond, so that a hundred plays count more than one and not a hundred times as
    /// much: 10 counts 3.3, 100 counts 5.6. Below 0 likewise.
    @inlinable
    @inline(__always)
    public static func saturated(_ liking: Float) -> Float {
        liking <= 1 && liking >= -1 ? liking : beyondOne(liking)
    }

    @usableFromInline
    static func beyondOne(_ liking: Float) -> Float {
        liking > 0 ? 1 + log(liking) : -1 - log(-liking)
    }
}
