public import EventLog
import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

extension Configuration {
    /// By which id Kafka's group knows this daemon again (`group.instance.id`, KIP-345); `nil` where it is not to. What `auto`
    /// stands for is made with the first call. Whoever calls holds the folder's lock.
    ///
    /// - Throws: `.full` where it cannot be kept in the folder.
    public func groupInstance() throws(EventLogError) -> String? {
        guard source.kind == .kafka, !source.kafka.instanceID.isEmpty else { return nil }
        guard source.kafka.instanceID == "auto" else { return source.kafka.instanceID }
        // A group whose leader has come back by its id has nobody, until it deals anew, who sees that a topic has gained
        // partitions (KIP-814). In a cluster it may not gain any; a daemon alone shall take them as they come.
        guard cluster.enabled else { return nil }
        return try KeptInstance(path: state.folder + "/instance-id").id
    }
}

/// An id that a file keeps, beside the number (inode) of the file itself: a copy of the folder is another daemon's, and must
/// not fence the one that the folder was copied from.
private struct KeptInstance {
    let id: String

    init(path: String) throws(EventLogError) {
        if let kept = Self.read(path) {
            id = kept
        } else {
            id = "freshet-" + String(UInt64.random(in: 0 ... .max), radix: 16)
            try Self.write(id, to: path)
        }
    }

    /// `nil` where there is none, or it was written for another file.
    private static func read(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            return nil
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[1] == "\(status.st_ino)" else { return nil }
        return String(words[0])
    }

    /// Whole, or not at all.
    private static func write(_ id: String, to path: String) throws(EventLogError) {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path) }
        let bytes = Array("\(id) \(status.st_ino)\n".utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
            rename(new, path) == 0
        else { throw failure(path) }
    }

    private static func failure(_ path: String) -> EventLogError {
        EventLogError(
            .full,
            "'\(path)', where source.kafka.instance-id: auto keeps this daemon's id, cannot be written: "
                + String(cString: strerror(errno)))
    }
}
