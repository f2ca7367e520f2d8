import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The terminal while a screen is drawn on it: keys come at once, unseen, and what stood there before comes back at the end.
package final class TerminalScreen {
    private var before = termios()
    private let input: Int32

    /// `nil` where there is no terminal to read keys from.
    package init?(input: Int32 = STDIN_FILENO) {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        self.input = input
        if isatty(input) == 1, tcgetattr(input, &before) == 0 {
            var raw = before
            raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(input, TCSANOW, &raw)
        }
        Self.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    deinit { restore() }

    /// Idempotent.
    package func restore() {
        if isatty(input) == 1, before.c_lflag != 0 { tcsetattr(input, TCSANOW, &before) }
        Self.write("\u{1B}[?25h\u{1B}[?1049l")
    }

    /// 80 by 24 where the terminal does not say.
    package var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Over what stands there, so that nothing flickers.
    package func draw(_ lines: [String]) {
        Self.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Waits for a key for so long; `nil` where none came.
    package func key(within time: Duration) -> Character? {
        var wanted = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(max(0, time / .milliseconds(1)))
        guard poll(&wanted, 1, milliseconds) == 1 else { return nil }
        var byte: UInt8 = 0
        guard read(input, &byte, 1) == 1 else {
            // Closed, say by `</dev/null`: it will not tell more.
            usleep(UInt32(milliseconds) * 1000)
            return nil
        }
        return Character(UnicodeScalar(byte))
    }

    private static func write(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}
