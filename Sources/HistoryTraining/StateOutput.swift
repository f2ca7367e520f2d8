import Checkpoints
import Foundation
import Reporting

/// Where the trained state goes: looked at before the training, which may take hours, and kept from others until its
/// end.
struct StateOutput {
    let path: String
    private let lock: FolderLock?

    var folder: String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    /// A daemon finds it here without more being said.
    var isServable: Bool { (path as NSString).lastPathComponent == "state.sqlite" }

    init(path: String, replaces: Bool) throws {
        self.path = path
        let folder = (path as NSString).deletingLastPathComponent
        if (path as NSString).lastPathComponent == "state.sqlite" {
            // The place of a daemon, which must neither run here now nor start before the state is whole.
            lock = try FolderLock(folder: folder.isEmpty ? "." : folder)
        } else {
            lock = nil
            if !folder.isEmpty {
                try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
        }
        guard access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
            throw CommandError(
                "--output \(path): the folder cannot be written (\(errorText()))", code: .cannotCreate)
        }
        var isFolder = ObjCBool(false)
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
        if isFolder.boolValue {
            throw CommandError("--output \(path) is a folder; name a file in it", code: .cannotCreate)
        }
        guard replaces else {
            throw CommandError(
                "--output \(path) is there already; name another file, or say --force to replace it",
                code: .cannotCreate)
        }
        guard StateFile.isState(path: path) else {
            throw CommandError(
                "--output \(path) is no state of Freshet, and so not replaced; name another file, or move this one away",
                code: .cannotCreate)
        }
    }

    /// Keeps the lock until here.
    func finish() { withExtendedLifetime(lock) {} }
}
