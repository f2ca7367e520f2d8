import Foundation
import Testing

@testable import Plotting

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("pictures")
struct PlottingTests {
    /// Whether it is XML that stands by itself.
    private func elements(_ svg: String) -> [String: Int]? {
        final class Reader: NSObject, XMLParserDelegate {
            var counts: [String: Int] = [:]
            func parser(
                _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
                qualifiedName: String?,
                attributes: [String: String]
            ) { counts[name, default: 0] += 1 }
        }
        let reader = Reader()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = reader
        return parser.parse() ? reader.counts : nil
    }

    private func curve(_ name: String, halfWidth: Double? = nil) -> CurvePlot.Curve {
        CurvePlot.Curve(
            name: name,
            points: (1...5).map {
                CurvePlot.Curve.Point(at: Double($0 * 1000), value: 0.1 * Double($0), halfWidth: halfWidth)
            })
    }

    @Test(
        "each curve is a line, with a band where its points have one; names are told whatever stands in them")
    func curves() throws {
        let plot = CurvePlot(
            title: "a < b & \"c\"\u{1}",
            panels: [
                .init(
                    title: "recall@10", axis: "events",
                    curves: [curve("bpr", halfWidth: 0.02), curve("als<>")]),
                .init(title: "rmse", axis: "events", curves: [curve("stars", halfWidth: 0.1)]),
            ], note: "bands: 95 %")
        let counts = try #require(elements(plot.svg))
        // Three lines, two bands, two frames.
        #expect(counts["path"] == 7)
        #expect(plot.svg.contains("fill-opacity=\"0.15\""))
        #expect(plot.svg.contains("a &lt; b &amp; &quot;c&quot; "))
        #expect(plot.svg.contains(">3k<"))
        #expect(!plot.svg.contains("nan"))
    }

    @Test("one point, equal values and no curve at all make pictures too")
    func degenerate() throws {
        let point = CurvePlot.Curve(name: "x", points: [.init(at: 1, value: 0)])
        let flat = CurvePlot.Curve(name: "y", points: [.init(at: 1, value: 3), .init(at: 2, value: 3)])
        for curves in [[point], [flat], []] {
            let svg = CurvePlot(title: "t", panels: [.init(title: "m", axis: "epochs", curves: curves)]).svg
            #expect(elements(svg) != nil)
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }
        #expect(elements(PointMap(title: "t", xAxis: "x", yAxis: "y", points: []).svg) != nil)
    }

    @Test(
        "a map has a circle a point with its name, the most frequent groups in colours, and names that do not overlap"
    )
    func map() throws {
        var points: [PointMap.Point] = []
        for place in 0..<60 {
            let group: String? = place < 30 ? "Drama" : place < 50 ? "Comedy" : nil
            points.append(
                PointMap.Point(
                    name: "item \(place)", x: Double(place % 10), y: Double(place / 10),
                    weight: Double(place),
                    group: group))
        }
        let map = PointMap(title: "60 items", xAxis: "axis 1", yAxis: "axis 2", points: points, labels: 10)
        let counts = try #require(elements(map.svg))
        // Three more in the legend: two groups, and the others.
        #expect(counts["circle"] == 63)
        #expect(counts["title"] == 60)
        #expect(map.svg.components(separatedBy: "font-size=\"9\"").count == 11)
        let stacked = (0..<5).map {
            PointMap.Point(name: "same place \($0)", x: 1, y: 1, weight: Double($0), group: nil)
        }
        let one = PointMap(title: "t", xAxis: "x", yAxis: "y", points: stacked).svg
        #expect(one.components(separatedBy: "font-size=\"9\"").count == 2)
        #expect(one.contains(">same place 4</text>"))
    }

    @Test("round numbers stand along an axis")
    func ticks() {
        let unit = Ticks(0...1, about: 5)
        #expect(
            unit.values.map(unit.text) == [
                "0.0", "0.2", "0.4", "0.6", "0.8", "1.0",
            ])
        let thousands = Ticks(0...1_000_000, about: 5)
        #expect(thousands.values.map(thousands.text) == ["0k", "200k", "400k", "600k", "800k", "1000k"])
        #expect(Ticks(2...2, about: 5).values == [2])
    }

    @Test("numbers have two decimals at most")
    func numbers() {
        #expect([1, 1.5, 1.25, -0.05, 1.005, .nan].map(SVG.text) == ["1", "1.5", "1.25", "-0.05", "1", "0"])
    }
}
