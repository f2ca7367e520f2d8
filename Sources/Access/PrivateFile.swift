internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

/// Files that hold secrets: those that others may read, or change, are refused.
package enum PrivateFile {
    private static let bytesMax = 1 << 20

    /// - Throws: where it cannot be read, may be read by others, or changed by others than its owner. The message does not
    ///   name the file.
    package static func read(_ path: String) throws(UserFile.Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure("cannot be read: \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try check(descriptor)
        guard let bytes = try? handle.read(upToCount: bytesMax + 1), bytes.count <= bytesMax else {
            throw failure("cannot be read, or has more than \(bytesMax) bytes")
        }
        return Array(bytes)
    }

    /// The very file that is then read.
    private static func check(_ descriptor: CInt) throws(UserFile.Failure) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw failure("is no file")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw failure("belongs to uid \(status.st_uid): give it to root or to the daemon's user")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o027 == 0 else {
            throw failure(
                "has mode 0\(String(mode, radix: 8)); others may not read it, nor its group write it: chmod 640"
            )
        }
    }

    private static func failure(_ why: String) -> UserFile.Failure { UserFile.Failure(description: why) }
}
