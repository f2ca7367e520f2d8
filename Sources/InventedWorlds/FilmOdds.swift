/// How likely each item is to be the one liked best among some drawn by popularity, each liking with noise of its own.
///
/// The noise is a sum of uniforms (see `SplitMix64.normal`); likings and noise are added up on a grid, an item's mass
/// shared by the two steps that it lies between.
struct FilmOdds {
    private static let step = 0.05
    /// Deviation of the noise, in stars.
    private static let deviation = 0.5
    /// A uniform of the sum, in steps.
    private static let uniform = 10
    private static let uniforms = 12

    /// Of the noise, by step, the middle one at 0.
    private let noise: [Double]
    /// Running sums of `noise`.
    private let below: [Double]

    init() {
        var noise = [1.0]
        for _ in 0..<Self.uniforms {
            var sum = [Double](repeating: 0, count: noise.count + Self.uniform - 1)
            for (place, mass) in noise.enumerated() {
                for shift in 0..<Self.uniform { sum[place + shift] += mass / Double(Self.uniform) }
            }
            noise = sum
        }
        self.noise = noise
        var below: [Double] = []
        for mass in noise { below.append((below.last ?? 0) + mass) }
        self.below = below
    }

    /// Probability that noise of deviation 1 is at least `bound`.
    func isAbove(_ bound: Double) -> Double {
        // A step's mass lies evenly about its middle.
        let place = bound * Self.deviation / Self.step + Double(noise.count / 2) + 0.5
        guard place > 0 else { return 1 }
        let whole = Int(place)
        guard whole < noise.count else { return 0 }
        let left = whole > 0 ? below[whole - 1] : 0
        return 1 - left - noise[whole] * (place - Double(whole))
    }

    /// - Parameters:
    ///   - weights: how likely each item is drawn; their sum need not be 1.
    ///   - isSeen: such an item is taken only where all that are drawn are so.
    ///   - compared: items drawn, each anew.
    func chances(weights: [Double], likings: [Double], isSeen: [Bool], compared: Int) -> [Double] {
        let all = weights.reduce(0, +)
        let low = likings.min() ?? 0, high = likings.max() ?? 0
        let steps = Int((high - low) / Self.step) + 2
        var chances = [Double](repeating: 0, count: weights.count)
        var passedOver = 0.0
        for index in weights.indices where isSeen[index] { passedOver += weights[index] / all }
        func place(_ item: Int) -> (step: Int, share: Double) {
            let place = (likings[item] - low) / Self.step
            let step = min(Int(place), steps - 2)
            return (step, place - Double(step))
        }
        func add(_ isOfThem: (Int) -> Bool, below: Double) {
            var masses = [Double](repeating: 0, count: steps)
            for item in weights.indices where isOfThem(item) {
                let (step, share) = place(item)
                masses[step] += (1 - share) * weights[item] / all
                masses[step + 1] += share * weights[item] / all
            }
            let wins = wins(masses, below: below, compared: compared)
            for item in weights.indices where isOfThem(item) {
                let (step, share) = place(item)
                chances[item] = weights[item] / all * ((1 - share) * wins[step] + share * wins[step + 1])
            }
        }
        add({ !isSeen[$0] }, below: passedOver)
        if power(passedOver, compared) > 1e-6 { add({ isSeen[$0] }, below: 0) }
        return chances
    }

    /// By step of liking, how much likelier than its draw an item is taken.
    ///
    /// - Parameter below: mass of what loses to all.
    private func wins(_ masses: [Double], below: Double, compared: Int) -> [Double] {
        var values = [Double](repeating: 0, count: masses.count + noise.count - 1)
        for (step, mass) in masses.enumerated() where mass > 0 {
            for shift in noise.indices { values[step + shift] += mass * noise[shift] }
        }
        var (running, gains) = (below, values)
        for (place, mass) in values.enumerated() where mass > 0 {
            let highest = power(running + mass, compared) - power(running, compared)
            gains[place] = highest / mass
            running += mass
        }
        return masses.indices.map { step in
            var sum = 0.0
            for shift in noise.indices { sum += noise[shift] * gains[step + shift] }
            return sum
        }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<exponent { power *= base }
        return power
    }
}
