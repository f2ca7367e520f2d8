import Events
import Factors
import Testing

@testable import ForgettingRuns

@Suite("What stays of what was taken back")
struct ForgettingTests {
    /// Users who like one half of the items, and others the other.
    private func stream(_ count: Int) throws -> [Event] {
        var random = KeyedRandom(seed: 4)
        return try (0..<count).map { number in
            let (user, item) = (random.next(below: 60), random.next(below: 80))
            let value: Float = (user ^ item) & 1 == 0 ? 5 : 2
            return Event(
                .rating(user: try EntityID("u\(user)"), item: try EntityID("i\(item)"), value: value),
                time: Int64(number) * 1_000)
        }
    }

    @Test("a step back brings rows nearer to those of a run that never saw the event; without one they stay")
    func retraction() throws {
        let trial = RetractTrial(try stream(1_600), count: 4, seed: 2)
        #expect(trial.lines.count == 4)
        for line in trial.lines where line.when == .atOnce {
            #expect(line.items.kept > 0.01 && line.users.kept > 0.01, "\(line)")
            #expect(abs(line.items.forgotten - line.items.kept) < 1e-9, "\(line)")
            #expect(line.items.corrected < 0.8 * line.items.forgotten, "\(line)")
            #expect(line.users.corrected < 1.05 * line.users.forgotten, "\(line)")
        }
        let stars = try #require(trial.lines.first { $0.model == "stars" && $0.when == .atOnce })
        #expect(stars.items.corrected < 0.3 * stars.items.kept, "\(stars)")
    }

    @Test("the area is the share of pairs in the right order, equal ones half")
    func area() {
        func area(_ members: [Double], _ others: [Double]) -> Double {
            MembershipTrial.area(members.map { ($0, true) } + others.map { ($0, false) })
        }
        #expect(area([3, 4], [1, 2]) == 1)
        #expect(area([1, 2], [3, 4]) == 0)
        #expect(area([1, 3], [2, 3]) == 0.375)
        #expect(area([1], []) == 0.5)
    }

    @Test("in a stream of few users, items' rows tell who was in it, and FORGET leaves them as they are")
    func membership() throws {
        let trial = MembershipTrial(try stream(1_000), runs: 4, seed: 1)
        #expect(trial.users == 60)
        for line in trial.lines {
            let areas = line.areas.map(\.mean)
            #expect(areas.allSatisfy { (0...1).contains($0) })
            // Counts change, rows do not.
            #expect(areas[0] == areas[1], "\(line)")
        }
    }
}
