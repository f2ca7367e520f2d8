/// Curves with bands, a panel for each thing that is measured.
public struct CurvePlot: Sendable {
    /// One line of a panel.
    public struct Curve: Sendable, Equatable {
        /// One place on it.
        public struct Point: Sendable, Equatable {
            public var at: Double
            public var value: Double
            /// Half the band's height; `nil` for no band.
            public var halfWidth: Double?

            public init(at: Double, value: Double, halfWidth: Double? = nil) {
                (self.at, self.value, self.halfWidth) = (at, value, halfWidth)
            }
        }

        public var name: String
        /// In ascending order of `at`.
        public var points: [Point]

        public init(name: String, points: [Point]) { (self.name, self.points) = (name, points) }
    }

    /// Curves that share an axis.
    public struct Panel: Sendable, Equatable {
        public var title: String
        /// What `at` counts.
        public var axis: String
        public var curves: [Curve]

        public init(title: String, axis: String, curves: [Curve]) {
            (self.title, self.axis, self.curves) = (title, axis, curves)
        }
    }

    public var title: String
    public var panels: [Panel]
    /// What the bands are; empty where there are none.
    public var note: String

    public init(title: String, panels: [Panel], note: String = "") {
        (self.title, self.panels, self.note) = (title, panels, note)
    }

    private static let (width, panelHeight, legendWidth) = (760.0, 300.0, 170.0)

    /// The picture.
    public var svg: String {
        let head = 34.0
        var picture = SVG(
            width: Self.width, height: head + Self.panelHeight * Double(max(1, panels.count)) + 18)
        picture.add(
            "text", [("x", "16"), ("y", "22"), ("font-size", "14"), ("font-weight", "bold")], text: title)
        // A name has one colour in all panels.
        var names: [String] = []
        for name in panels.flatMap(\.curves).map(\.name) where !names.contains(name) { names.append(name) }
        for (place, panel) in panels.enumerated() {
            draw(panel, top: head + Self.panelHeight * Double(place), names, on: &picture)
        }
        if !note.isEmpty {
            picture.add(
                "text",
                [("x", "16"), ("y", SVG.text(picture.height - 7)), ("fill", "#555"), ("font-size", "11")],
                text: note)
        }
        return picture.document
    }

    private func draw(_ panel: Panel, top: Double, _ names: [String], on picture: inout SVG) {
        let points = panel.curves.flatMap(\.points)
        guard let first = points.map(\.at).min(), let last = points.map(\.at).max() else { return }
        let low = points.map { $0.value - ($0.halfWidth ?? 0) }.min() ?? 0
        let high = points.map { $0.value + ($0.halfWidth ?? 0) }.max() ?? 1
        let margin = high > low ? (high - low) * 0.05 : max(abs(high), 1) * 0.05
        let frame = Frame(
            x: first...max(last, first + 1), y: (low - margin)...(high + margin), left: 64,
            right: Self.width - Self.legendWidth,
            top: top + 24, bottom: top + Self.panelHeight - 40)
        frame.draw(title: panel.title, axis: panel.axis, on: &picture)
        for curve in panel.curves {
            let colour = Palette.colour(names.firstIndex(of: curve.name) ?? 0)
            if let band = frame.band(curve) {
                picture.add(
                    "path", [("d", band), ("fill", colour), ("fill-opacity", "0.15"), ("stroke", "none")])
            }
            picture.add(
                "path",
                [("d", frame.line(curve)), ("fill", "none"), ("stroke", colour), ("stroke-width", "1.6")],
                title: curve.name)
        }
        legend(panel, top: top + 30, names, on: &picture)
    }

    /// In the order in which the curves end, the highest first.
    private func legend(_ panel: Panel, top: Double, _ names: [String], on picture: inout SVG) {
        let ordered = panel.curves.sorted { ($0.points.last?.value ?? 0) > ($1.points.last?.value ?? 0) }
        for (line, curve) in ordered.enumerated() {
            let (x, y) = (Self.width - Self.legendWidth + 12, top + 17 * Double(line))
            let colour = Palette.colour(names.firstIndex(of: curve.name) ?? 0)
            picture.add(
                "rect",
                [
                    ("x", SVG.text(x)), ("y", SVG.text(y - 5)), ("width", "14"), ("height", "3"),
                    ("fill", colour),
                ])
            let name = curve.name.count > 22 ? curve.name.prefix(21) + "…" : curve.name[...]
            picture.add(
                "text", [("x", SVG.text(x + 20)), ("y", SVG.text(y)), ("font-size", "11")],
                text: String(name), title: curve.name)
        }
    }
}

/// Where numbers lie on the picture.
struct Frame {
    var x: ClosedRange<Double>
    var y: ClosedRange<Double>
    var left: Double
    var right: Double
    var top: Double
    var bottom: Double

    func place(_ at: Double, _ value: Double) -> (x: Double, y: Double) {
        let across = (at - x.lowerBound) / (x.upperBound - x.lowerBound)
        let up = (value - y.lowerBound) / (y.upperBound - y.lowerBound)
        return (left + across * (right - left), bottom - up * (bottom - top))
    }

    func line(_ curve: CurvePlot.Curve) -> String { path(curve.points.map { place($0.at, $0.value) }) }

    /// Along the upper ends and back along the lower ones; `nil` where no point has a band.
    func band(_ curve: CurvePlot.Curve) -> String? {
        let points = curve.points.filter { $0.halfWidth != nil }
        guard points.count > 1 else { return nil }
        let upper = points.map { place($0.at, $0.value + ($0.halfWidth ?? 0)) }
        let lower = points.reversed().map { place($0.at, $0.value - ($0.halfWidth ?? 0)) }
        return path(upper + lower) + "Z"
    }

    private func path(_ places: [(x: Double, y: Double)]) -> String {
        places.enumerated().map {
            "\($0.offset == 0 ? "M" : "L")\(SVG.text($0.element.x)) \(SVG.text($0.element.y))"
        }
        .joined()
    }

    /// Title, axes, and lines across at round numbers.
    func draw(title: String, axis: String, on picture: inout SVG) {
        picture.add(
            "text", [("x", SVG.text(left)), ("y", SVG.text(top - 8)), ("font-weight", "bold")], text: title)
        let rows = Ticks(y, about: 5)
        for value in rows.values {
            let height = place(x.lowerBound, value).y
            picture.add(
                "line",
                [
                    ("x1", SVG.text(left)), ("x2", SVG.text(right)), ("y1", SVG.text(height)),
                    ("y2", SVG.text(height)), ("stroke", "#ddd"),
                ])
            picture.add(
                "text",
                [
                    ("x", SVG.text(left - 6)), ("y", SVG.text(height + 4)), ("text-anchor", "end"),
                    ("fill", "#555"), ("font-size", "11"),
                ],
                text: rows.text(value))
        }
        let columns = Ticks(x, about: 6)
        for value in columns.values {
            let across = place(value, y.lowerBound).x
            picture.add(
                "text",
                [
                    ("x", SVG.text(across)), ("y", SVG.text(bottom + 15)), ("text-anchor", "middle"),
                    ("fill", "#555"), ("font-size", "11"),
                ],
                text: columns.text(value))
        }
        picture.add(
            "path",
            [
                ("d", "M\(SVG.text(left)) \(SVG.text(top))V\(SVG.text(bottom))H\(SVG.text(right))"),
                ("fill", "none"), ("stroke", "#555"),
            ])
        picture.add(
            "text",
            [
                ("x", SVG.text((left + right) / 2)), ("y", SVG.text(bottom + 31)), ("text-anchor", "middle"),
                ("fill", "#555"), ("font-size", "11"),
            ],
            text: axis)
    }
}
