import Testing

@testable import Reporting

@Suite("what a person is shown")
struct ReportingTests {
    @Test("the line shows events, rate, share and time left; the bar only on a terminal")
    func line() {
        let line = EventProgress.text(events: 250_000, fraction: 0.25, elapsed: .seconds(10), bar: false)
        #expect(line == "250,000 events, 25,000/s, 25 %, 0:30 left")
        let bar = EventProgress.text(events: 250_000, fraction: 0.25, elapsed: .seconds(10), bar: true)
        #expect(bar == "[######------------------] " + line)
        let endless = EventProgress.text(events: 7, fraction: nil, elapsed: .seconds(1), bar: true)
        #expect(endless == "7 events, 7/s")
        #expect(NumberText.clock(3_723) == "1:02:03")
    }

    @Test("a table cuts long cells, counts wide characters twice, and lets nothing steer the terminal")
    func table() {
        var table = Table([Table.Column(title: "a", widthMax: 5), Table.Column(title: "b")])
        table.append(["abcdefgh", "x"])
        table.append(["千と", "y"])
        table.append(["\u{1B}[2J", "z"])
        #expect(table.text == "a      b\nabcd…  x\n千と   y\n?[2J   z")
    }
}
