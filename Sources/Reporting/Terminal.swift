// Reporting: what long work says to the person who started it.
//
// Here live the two streams, lines that say how far it is, numbers and tables as people read them, and the error that
// ends a command. What comes in is text and counts. What never comes in: events, models, a configuration, or the
// daemon's log, whose readers are machines too. It imports no other room.

import Foundation

/// What commands print: results on standard output, all else on standard error.
public enum Terminal {
    /// Whether a person reads the results, rather than a file or another program.
    public static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    /// Whether a person watches the work, so that a line may be written over.
    public static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a result and a line break to standard output.
    public static func write(_ text: String) {
        // A reader that has gone (`| head`) is no failure of the command.
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }

    /// Writes to standard error; what cannot be written is lost, for there is nobody to tell.
    public static func writeError(_ text: String, terminator: String = "\n") {
        try? FileHandle.standardError.write(contentsOf: Data((text + terminator).utf8))
    }
}
