import Testing

@testable import SoakRuns

@Suite("Soak")
struct SoakTests {
    private func samples(
        _ count: Int, phase: SoakSample.Phase = .steady, from events: Int = 2_000_000,
        resident: (Int) -> Int64, log: (Int) -> Int64 = { _ in 50 << 20 }
    ) -> [SoakSample] {
        (0..<count).map { index in
            var sample = SoakSample()
            (sample.seconds, sample.phase, sample.events) = (Double(index), phase, events + index * 200_000)
            sample.residentBytes = resident(index)
            sample.files = SoakFiles(state: 10 << 20, log: log(index))
            return sample
        }
    }

    @Test("what stays as it is is kept; what grows is not, nor does a spike in between count")
    func growth() throws {
        let still = try #require(SoakVerdict(samples(60) { $0 == 30 ? 900 << 20 : 100 << 20 }))
        #expect(still.isKept && still.growth == 1)
        let grows = try #require(SoakVerdict(samples(60) { Int64(100 << 20) + Int64($0) << 18 }))
        #expect(!grows.isKept && grows.growth > 1.1 && grows.growingFiles.isEmpty)
        let file = try #require(
            SoakVerdict(samples(60, resident: { _ in 100 << 20 }, log: { Int64($0) << 20 })))
        #expect(!file.isKept && file.growingFiles == ["log.sqlite"])
        #expect(file.text.contains("GROWS"))
    }

    @Test("nothing is said of what came before 2 million events, nor of a daemon that is killed")
    func parts() throws {
        #expect(SoakVerdict(samples(20, from: 0) { _ in 1 << 20 }) == nil)
        #expect(SoakVerdict(samples(60, phase: .killed) { _ in 1 << 20 }) == nil)
        let early = samples(40, phase: .growing, from: 0) { Int64(1 + $0) << 20 }
        let late = samples(40) { _ in 100 << 20 }
        #expect(try #require(SoakVerdict(early + late)).growth == 1)
    }

    @Test("a batch is always the same, its times are its own, and users come as they should")
    func stream() {
        let stream = SoakStream(users: 1_000, items: 50, growsOver: 10_240, seed: 3)
        #expect(stream.command(batch: 7) == stream.command(batch: 7))
        let (first, second) = (
            Set(stream.command(batch: 0).dropFirst()), stream.command(batch: 1).dropFirst()
        )
        #expect(first.count == SoakStream.eventsPerBatch && first.isDisjoint(with: second))
        #expect(stream.usersKnown(at: 0) == 16 && stream.usersKnown(at: 5_120) == 500)
        #expect(stream.usersKnown(at: 1_000_000) == 1_000)
    }

    @Test("a line has as many fields as the header, and the picture a curve for each file")
    func written() {
        let all = samples(20) { _ in 1 << 20 }
        let fields = SoakSample.header.split(separator: ",").count
        #expect(
            all.allSatisfy { $0.line.split(separator: ",", omittingEmptySubsequences: false).count == fields }
        )
        let svg = SoakPicture.svg(all)
        #expect(SoakFiles.all.allSatisfy { svg.contains($0.name) })
    }
}
