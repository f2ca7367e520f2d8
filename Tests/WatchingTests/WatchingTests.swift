import Engine
import Foundation
import RESP
import Testing

@testable import Watching

@Suite("the daemon in a terminal")
struct WatchingTests {
    private let start = ContinuousClock.now

    private func sample(
        second: Int, applied: Int64, lag: Int64 = 0, process: Int64 = 7, more: [StatusField] = []
    )
        -> WatchedSample
    {
        WatchedSample(
            at: start + .seconds(second),
            status: [
                StatusField("server.pid", .integer(process)), StatusField("server.uptime-s", .double(3_723)),
                StatusField("events.applied", .integer(applied)), StatusField("lag.total", .integer(lag)),
                StatusField("log.reachable", .bool(true)),
                StatusField("memory.resident-bytes", .integer(512 << 20)),
            ] + more,
            models: [
                ModelStatus(
                    name: "blend", learner: "blend", isDefault: true,
                    fields: [
                        StatusField("recall@10", .double(0.25)),
                        StatusField("recall@10-popularity", .double(0.1)),
                        StatusField("loses-to-popularity", .bool(false)),
                    ]),
                ModelStatus(
                    name: "stars", learner: "sgd", isDefault: false,
                    fields: [
                        StatusField("rmse", .double(0.95)), StatusField("rmse-means", .double(0.9)),
                        StatusField("loses-to-means", .bool(true)), StatusField("lead", .double(-0.1)),
                        StatusField("lead-low", .double(-0.2)), StatusField("lead-high", .double(0.05)),
                    ]),
            ], roundTrip: .microseconds(80))
    }

    private func course() -> WatchedCourse {
        var course = WatchedCourse()
        for second in 0..<10 { course.add(sample(second: second, applied: Int64(1_000 * second * second))) }
        return course
    }

    @Test("rates are of the newest samples, and begin anew with another process")
    func rates() {
        var course = course()
        // From the fifth to the ninth second: 25,000 to 81,000.
        #expect(course.rate("events.applied") == 14_000)
        #expect(course.rates("events.applied").count == 9)
        course.add(sample(second: 11, applied: 5, process: 8))
        #expect(course.rate("events.applied") == nil)
        #expect(course.samples.count == 1)
    }

    @Test(
        "a screen of 80 by 24 holds everything, and no line is longer",
        arguments: [(80, 24), (120, 40), (40, 10)])
    func fits(columns: Int, rows: Int) {
        let screen = WatchedScreen(columns: columns, rows: rows, inColour: false)
        let lines = screen.lines(course(), at: "/run/freshet/freshet.sock", trouble: nil)
        #expect(lines.count == rows)
        #expect(lines.allSatisfy { $0.count <= columns })
        #expect(lines.last == "q quits")
        #expect(lines[0].hasPrefix("freshet at /run/freshet/freshet.sock"))
        guard columns >= 80 else { return }
        #expect(lines[0].hasSuffix("process 7  up 1:02:03"))
        #expect(lines[1].hasPrefix("All is well: every event is learned"))
        #expect(
            lines.contains {
                $0.hasPrefix("events/s") && $0.contains("14,000") && $0.contains("81,000 learned")
            })
        #expect(lines.contains { $0.hasPrefix("memory") && $0.contains("512 MiB") })
        #expect(lines.contains { $0.hasPrefix("blend *") && $0.contains("0.2500") && !$0.contains("loses") })
        #expect(
            lines.contains { $0.hasPrefix("stars") && $0.hasSuffix("-0.1000 (-0.2000 to +0.0500)  loses") })
    }

    @Test("a daemon that went away is told in place of its health, and what was known stays")
    func gone() {
        let screen = WatchedScreen(columns: 80, rows: 24, inColour: false)
        let lines = screen.lines(course(), at: "s", trouble: "connection refused")
        #expect(lines[1] == "The daemon went away: connection refused. Asking again.")
        #expect(lines.contains { $0.hasPrefix("blend") })
        #expect(screen.lines(WatchedCourse(), at: "s", trouble: nil)[1] == "Asking the daemon…")
    }

    @Test("a curve goes from nothing to its highest, with the newest at the right")
    func curve() {
        #expect(WatchedScreen.curve([0, 4, 8], width: 5) == "  ▁▅█")
        #expect(WatchedScreen.curve([0, 0], width: 2) == "▁▁")
        #expect(WatchedScreen.curve([8, 1, 8], width: 2) == "▂█")
        #expect(WatchedScreen.curve([], width: 3) == "   ")
    }

    @Test("what is no terminal gets a line of names and values")
    func plain() {
        let line = WatchedScreen.plainLine(course(), time: Date(timeIntervalSince1970: 0))
        #expect(
            line
                == "1970-01-01T00:00:00Z events/s=14000 learned=81000 behind=0 commands/s=- resident-bytes=536870912 "
                + "checkpoint-age-s=- blend=0.2500 state=well")
    }
}
