/// Points by two coordinates, coloured by groups, the largest with their names.
public struct PointMap: Sendable {
    /// One of them.
    public struct Point: Sendable, Equatable {
        public var name: String
        public var x: Double
        public var y: Double
        /// Its area goes by this.
        public var weight: Double
        /// `nil` belongs to no group.
        public var group: String?

        public init(name: String, x: Double, y: Double, weight: Double, group: String?) {
            (self.name, self.x, self.y, self.weight, self.group) = (name, x, y, weight, group)
        }
    }

    public var title: String
    public var xAxis: String
    public var yAxis: String
    public var points: [Point]
    /// How many of the heaviest are named in the picture; all are on hovering.
    public var labels: Int

    public init(title: String, xAxis: String, yAxis: String, points: [Point], labels: Int = 30) {
        (self.title, self.xAxis, self.yAxis, self.points, self.labels) = (title, xAxis, yAxis, points, labels)
    }

    private static let (width, height, legendWidth) = (960.0, 720.0, 170.0)
    /// Of groups in colours of their own; the others are grey.
    private static let groupsMax = 7

    /// The picture.
    public var svg: String {
        var picture = SVG(width: Self.width, height: Self.height)
        picture.add(
            "text", [("x", "16"), ("y", "22"), ("font-size", "14"), ("font-weight", "bold")], text: title)
        guard !points.isEmpty else { return picture.document }
        let frame = Frame(
            x: Self.range(points.map(\.x)), y: Self.range(points.map(\.y)), left: 64,
            right: Self.width - Self.legendWidth,
            top: 54, bottom: Self.height - 40)
        frame.draw(title: yAxis, axis: xAxis, on: &picture)
        let groups = groups
        let heaviest = max(points.map(\.weight).max() ?? 1, 1e-12)
        // Heavy ones first, so that light ones are not hidden under them.
        let ordered = points.sorted { ($0.weight, $1.name) > ($1.weight, $0.name) }
        picture.open("g", [("fill-opacity", "0.6")])
        for point in ordered {
            let place = frame.place(point.x, point.y)
            let radius = 1.5 + 7 * (max(0, point.weight) / heaviest).squareRoot()
            picture.add(
                "circle",
                [
                    ("cx", SVG.text(place.x)), ("cy", SVG.text(place.y)), ("r", SVG.text(radius)),
                    ("fill", colour(point.group, groups)),
                ],
                title: point.name)
        }
        picture.close("g")
        label(ordered, frame, on: &picture)
        legend(groups, on: &picture)
        return picture.document
    }

    private static func range(_ values: [Double]) -> ClosedRange<Double> {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        let margin = high > low ? (high - low) * 0.04 : 1
        return (low - margin)...(high + margin)
    }

    /// The most frequent, in that order.
    private var groups: [String] {
        var counts: [String: Int] = [:]
        for group in points.compactMap(\.group) { counts[group, default: 0] += 1 }
        return counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(Self.groupsMax).map(\.key)
    }

    private func colour(_ group: String?, _ groups: [String]) -> String {
        group.flatMap { groups.firstIndex(of: $0) }.map(Palette.colour) ?? Palette.colour(Self.groupsMax)
    }

    /// Names that would lie on one another are left out, the lighter one.
    private func label(_ ordered: [Point], _ frame: Frame, on picture: inout SVG) {
        var taken: [(x: Double, y: Double, width: Double)] = []
        for point in ordered where taken.count < labels {
            let name = point.name.count > 28 ? point.name.prefix(27) + "…" : point.name[...]
            let place = frame.place(point.x, point.y)
            let width = Double(name.count) * 5.2
            let x = min(place.x + 6, frame.right - width)
            let isFree = taken.allSatisfy { other in
                abs(other.y - place.y) > 11 || x > other.x + other.width || other.x > x + width
            }
            guard isFree else { continue }
            taken.append((x, place.y, width))
            picture.add(
                "text",
                [("x", SVG.text(x)), ("y", SVG.text(place.y + 3)), ("font-size", "9"), ("fill", "#222")],
                text: String(name))
        }
    }

    private func legend(_ groups: [String], on picture: inout SVG) {
        let hasOthers = points.contains { point in point.group.map { !groups.contains($0) } ?? true }
        for (line, group) in (groups + (hasOthers ? ["others"] : [])).enumerated() {
            let (x, y) = (Self.width - Self.legendWidth + 16, 56 + 18 * Double(line))
            let colour = line < groups.count ? Palette.colour(line) : Palette.colour(Self.groupsMax)
            picture.add(
                "circle", [("cx", SVG.text(x)), ("cy", SVG.text(y - 4)), ("r", "5"), ("fill", colour)])
            picture.add(
                "text", [("x", SVG.text(x + 12)), ("y", SVG.text(y)), ("font-size", "11")], text: group)
        }
    }
}
