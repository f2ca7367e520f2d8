import Foundation

/// Round numbers along an axis.
struct Ticks {
    let values: [Double]
    let step: Double

    /// - Parameter about: how many there should be.
    init(_ range: ClosedRange<Double>, about: Int) {
        let rough = (range.upperBound - range.lowerBound) / Double(max(1, about))
        guard rough > 0, rough.isFinite else {
            (values, step) = ([range.lowerBound], 1)
            return
        }
        let power = pow(10, floor(log10(rough)))
        step = power * ([1.0, 2, 5, 10].first { power * $0 >= rough * 0.999 } ?? 10)
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        let spacing = step
        values = first <= last ? stride(from: first, through: last, by: 1).map { $0 * spacing } : []
    }

    /// With as many decimals as the step has, thousands as k and millions as M.
    func text(_ value: Double) -> String {
        if step >= 1_000_000 { return Self.short(value / 1_000_000) + "M" }
        if step >= 1_000 { return Self.short(value / 1_000) + "k" }
        let decimals = max(0, Int((-log10(step)).rounded(.up)))
        return String(format: "%.\(decimals)f", value == 0 ? 0 : value)
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(format: "%.1f", value)
    }
}
