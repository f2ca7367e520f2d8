public import Plotting

extension EvaluationReport {
    /// The curves as a picture: a panel for each task and metric. Empty where the protocol draws none.
    public var curvesPlot: CurvePlot {
        var panels: [CurvePlot.Panel] = []
        for point in curves {
            let title = "\(point.metric), \(point.candidates)"
            let axis = "\(point.unit)s"
            let panel =
                panels.firstIndex { $0.title == title && $0.axis == axis }
                ?? {
                    panels.append(CurvePlot.Panel(title: title, axis: axis, curves: []))
                    return panels.count - 1
                }()
            let curve =
                panels[panel].curves.firstIndex { $0.name == point.algorithm }
                ?? {
                    panels[panel].curves.append(CurvePlot.Curve(name: point.algorithm, points: []))
                    return panels[panel].curves.count - 1
                }()
            panels[panel].curves[curve].points.append(
                CurvePlot.Curve.Point(
                    at: Double(point.at), value: point.value, halfWidth: point.standardError.map { 1.96 * $0 }
                ))
        }
        let hasBands = curves.contains { $0.standardError != nil }
        let data = setup.facts.first { ["input", "data", "events"].contains($0.name) }?.value
        return CurvePlot(
            title: [setup.name, data].compactMap(\.self).joined(separator: ", "), panels: panels,
            note: hasBands
                ? "Means over a moving window; bands: 95 %, as if the window's events were independent." : "")
    }
}
