internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The right to use a state folder: one daemon at a time. The kernel lets the lock go when the process ends, however
/// it ends.
public final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Creates the folder where it is missing, and locks it.
    public init(folder: String) throws(StateError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StateError(
                .unwritable,
                "state.folder '\(folder)' cannot be created (\(error.localizedDescription)); name a folder that this "
                    + "user may write")
        }
        let path = folder + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw StateError(
                .unwritable,
                "state.folder '\(folder)' is not writable (\(String(cString: strerror(errno))) on '\(path)'); "
                    + "make it writable for this user or name another folder")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StateError(
                .locked,
                "state.folder '\(folder)' is in use by another freshet; stop that one (`freshet status` finds it) or "
                    + "name another folder")
        }
    }

    deinit { close(descriptor) }
}
