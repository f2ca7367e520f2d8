import Foundation

/// What commands print: answers on standard output, all else on standard error.
enum Terminal {
    static func write(_ text: String) {
        // A reader that has gone (`| head`) is no failure of the command.
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }

    static func writeError(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}
