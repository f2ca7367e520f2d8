internal import Foundation

/// Why a file cannot be written, in words: Foundation's own name neither the file nor what to do.
public enum FileProblem {
    /// - Parameter path: the file that was to be written.
    public static func words(_ error: any Error, writing path: String) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            return "'\(path)' is a folder; name a file"
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: folder) else {
            return "'\(path)' cannot be written: there is no folder '\(folder)'"
        }
        return "'\(path)' cannot be written: \(error.localizedDescription)"
    }
}
