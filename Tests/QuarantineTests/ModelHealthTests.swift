import Events
import Foundation
import Testing

@testable import Quarantine

@Suite("A model's health")
struct ModelHealthTests {
    private func rejection(_ ordinal: Int64, user: Int32, item: Int32) -> Rejection {
        Rejection(
            model: 0, partition: 0, offset: ordinal, ordinal: ordinal, time: 0, user: user, item: item,
            reason: .pastNorm)
    }

    /// Steps of 256 events each; `isDropped` says whether the update of an event is dropped.
    private func run(
        _ health: inout ModelHealth, steps: Range<Int64>, user: (Int64) -> Int32 = { Int32($0 % 40) },
        isDropped: (Int64) -> Bool
    ) {
        for ordinal in steps.lowerBound * 256..<steps.upperBound * 256 {
            if isDropped(ordinal) {
                health.count(rejection(ordinal, user: user(ordinal), item: Int32(ordinal % 33)))
            } else {
                health.count(updates: 1, step: ModelHealth.step(of: ordinal))
            }
            _ = health.close(before: ordinal)
        }
        _ = health.close(before: steps.upperBound * 256)
    }

    @Test("four bad steps make it unhealthy, three do not, and sixteen good ones make it healthy again")
    func hysteresis() {
        var health = ModelHealth()
        run(&health, steps: 0..<3) { $0 % 4 == 0 }
        #expect(health.isHealthy && health.badSteps == 3)
        run(&health, steps: 3..<4) { $0 % 4 == 0 }
        #expect(!health.isHealthy)
        run(&health, steps: 4..<19) { _ in false }
        #expect(!health.isHealthy, "one of the sixteen is bad still")
        run(&health, steps: 19..<20) { _ in false }
        #expect(health.isHealthy && health.digest == 0)
    }

    @Test(
        "a twentieth dropped is no bad step, nor is all of one user, nor are steps in which nothing was learned"
    )
    func shares() {
        var health = ModelHealth()
        run(&health, steps: 0..<20) { $0 % 20 == 0 }
        #expect(health.isHealthy && health.digest == 0)
        run(&health, steps: 20..<40, user: { _ in 7 }) { _ in true }
        #expect(health.isHealthy && health.digest == 0)
        run(&health, steps: 40..<44) { _ in true }
        #expect(!health.isHealthy)
        let isChanged = health.close(before: 1_000_000)
        #expect(!isChanged)
        #expect(!health.isHealthy, "it learned nothing since, so nothing is known to be better")
    }

    @Test("saved and read again in the middle of a step it judges alike")
    func saved() {
        var (whole, parts) = (ModelHealth(), ModelHealth())
        run(&whole, steps: 0..<6) { $0 % 5 == 0 }
        for ordinal in 0..<Int64(6 * 256) {
            if ordinal % 5 == 0 {
                parts.count(rejection(ordinal, user: Int32(ordinal % 40), item: Int32(ordinal % 33)))
            } else {
                parts.count(updates: 1, step: ModelHealth.step(of: ordinal))
            }
            guard ordinal % 100 == 0 else { continue }
            _ = parts.close(before: ordinal)
            var read = ModelHealth()
            read.restore(json: parts.json)
            #expect(read == parts)
            parts = read
        }
        _ = parts.close(before: 6 * 256)
        #expect(parts == whole && !parts.isHealthy)
    }

    @Test("what was dropped of one event is one entry, and the list keeps the newest of each model")
    func list() throws {
        var all: [Rejection] = []
        for ordinal in 0..<Int64(1_000) {
            for _ in 0..<3 { all.note(rejection(ordinal, user: 1, item: 2)) }
        }
        #expect(all.count == 1_000 && all.allSatisfy { $0.steps == 3 })
        let list = QuarantineList(models: ["a", "b"])
        list.add(all, user: { _ in nil }, item: { _ in nil })
        list.add(
            [
                Rejection(
                    model: 1, partition: 0, offset: 3, ordinal: 3, time: 0, reason: .noSolution)
            ],
            user: { _ in nil }, item: { _ in nil })
        #expect(list.latest(10_000, model: 0).count == QuarantineList.updatesPerModel)
        #expect(list.latest(2, model: nil).map(\.token.offset) == [999, 998])
        #expect(list.latest(10_000, model: nil).last?.model == "b")
    }
}
