import Plotting
import Testing

@testable import EvaluationRuns

@Suite("curves as a picture")
struct CurvesPlotTests {
    @Test("each task and metric has a panel, each algorithm a curve, with a band where an error is known")
    func panels() {
        func point(_ algorithm: String, _ at: Int, _ metric: String, _ error: Double?) -> CurvePoint {
            CurvePoint(
                candidates: "full ranking", algorithm: algorithm, unit: "event", at: at, metric: metric,
                value: 0.5,
                standardError: error)
        }
        var report = EvaluationReport(setup: EvaluationProtocol(name: "prequential"), level: 0.95)
        report.curves = [
            point("als", 1, "recall@10", nil), point("bpr", 1, "recall@10", nil),
            point("als", 2, "recall@10", 0.1),
            point("als", 2, "MRR", 0.1),
        ]
        let plot = report.curvesPlot
        #expect(plot.panels.map(\.title) == ["recall@10, full ranking", "MRR, full ranking"])
        #expect(plot.panels[0].curves.map(\.name) == ["als", "bpr"])
        #expect(plot.panels[0].curves[0].points.map(\.at) == [1, 2])
        #expect(plot.panels[0].curves[0].points[0].halfWidth == nil)
        #expect(abs((plot.panels[0].curves[0].points[1].halfWidth ?? 0) - 0.196) < 1e-9)
        #expect(plot.note.contains("95 %"))
        report.curves = []
        #expect(report.curvesPlot.panels.isEmpty)
        #expect(report.curvesPlot.note.isEmpty)
    }

    @Test("a moving mean's error is that of the values in its window")
    func error() {
        var spread = MovingSpread(length: 4)
        spread.add(7)
        #expect(spread.standardError == nil)
        for value in [0.0, 1, 1, 0] { spread.add(value) }
        #expect(spread.mean == 0.5)
        #expect(abs((spread.standardError ?? 0) - (0.25 / 3).squareRoot()) < 1e-12)
    }
}
