internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

/// How much more a file's disk takes.
enum DiskRoom {
    /// Bytes that this user may still write where the file at `path` stands; `nil` where that cannot be asked.
    static func free(at path: String) -> Int64? {
        var system = statvfs()
        guard statvfs(path, &system) == 0 else { return nil }
        return Int64(clamping: UInt64(system.f_bavail) * UInt64(system.f_frsize))
    }
}
