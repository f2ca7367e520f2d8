#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The logarithms and powers of blending in one place, so that what learns and what looks up agree to the last bit.
public enum Logarithm {
    @inline(__always)
    public static func of(_ value: Float) -> Float { logf(value) }

    @inline(__always)
    public static func power(_ value: Float) -> Float { expf(value) }
}
