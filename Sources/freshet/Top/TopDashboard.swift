import Foundation
import RESP
import Reporting
import Watching

/// Watches the daemon until somebody has seen enough.
struct TopDashboard {
    let socketPath: String
    let user: String
    let password: String?
    let secureWay: (any ClientWay)?
    let interval: Duration
    /// Of plain lines; `nil` for no end.
    let samplesMax: Int?

    /// - Throws: `RPCClientError` where no daemon answers at the start.
    func run() throws(RPCClientError) {
        var client: RPCClient? = try connect()
        let interrupts = Interrupts()
        guard let screen = TerminalScreen() else { return try writeLines(interrupts) }
        defer { screen.restore() }
        var course = WatchedCourse()
        while !interrupts.isRaised {
            var trouble: String?
            do throws(RPCClientError) {
                let asked = if let client { client } else { try connect() }
                course.add(try WatchedSample(of: asked))
                client = asked
            } catch {
                (client, trouble) = (nil, error.message)
            }
            let (columns, rows) = screen.size
            let layout = WatchedScreen(columns: columns, rows: rows, inColour: true)
            screen.draw(layout.lines(course, at: socketPath, trouble: trouble))
            if waitForEnd(screen, interrupts) { return }
        }
    }

    private func connect() throws(RPCClientError) -> RPCClient {
        try RPCClient(
            socketPath: socketPath, timeout: .seconds(5), user: user, password: password, secureWay: secureWay
        )
    }

    /// In short steps, for a signal ends no wait.
    private func waitForEnd(_ screen: TerminalScreen, _ interrupts: Interrupts) -> Bool {
        let deadline = ContinuousClock.now + interval
        while ContinuousClock.now < deadline {
            if interrupts.isRaised { return true }
            let left = min(ContinuousClock.now.duration(to: deadline), .milliseconds(200))
            if let key = screen.key(within: left) { return key == "q" || key == "Q" || key == "\u{3}" }
        }
        return false
    }

    /// For what is no terminal. Ends with the daemon: a script that waits for it can start this again.
    private func writeLines(_ interrupts: Interrupts) throws(RPCClientError) {
        let client = try connect()
        var course = WatchedCourse()
        var written = 0
        course.add(try WatchedSample(of: client))
        while !interrupts.isRaised, samplesMax.map({ written < $0 }) ?? true {
            let deadline = ContinuousClock.now + interval
            while ContinuousClock.now < deadline, !interrupts.isRaised { usleep(20_000) }
            course.add(try WatchedSample(of: client))
            Terminal.write(WatchedScreen.plainLine(course, time: Date()))
            written += 1
        }
    }
}
