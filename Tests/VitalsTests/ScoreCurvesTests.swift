import Engine
import Foundation
import TestSupport
import Testing

@testable import Vitals

@Suite("Curves of the live scores")
struct ScoreCurvesTests {
    private func status(_ value: Double, loses: Bool = false) -> [ModelStatus] {
        [
            ModelStatus(
                name: "likes", learner: "bpr", isDefault: true,
                fields: [
                    StatusField("recall@10", .double(value)),
                    StatusField("recall@10-popularity", .double(0.1)),
                    StatusField("recall@10-error", .double(0.01)),
                    StatusField("loses-to-popularity", .bool(loses)),
                ])
        ]
    }

    @Test(
        "they stay a few hundred points, evenly, with the newest among them, and nothing where nothing is learned"
    )
    func thinning() {
        var curves = ScoreCurves()
        for second in 1...5_000 {
            curves.take(status(Double(second)), applied: Int64(second), time: Int64(second))
            curves.take(status(0), applied: Int64(second), time: Int64(second))
        }
        #expect((300...600).contains(curves.times.count))
        let steps = Set(zip(curves.times, curves.times.dropFirst()).map { $1 - $0 })
        #expect(steps.count <= 2, "\(steps)")
        #expect(curves.models[0].values.count == curves.times.count)
        #expect(curves.models[0].errors.compactMap { $0 }.count == curves.times.count)
        #expect(curves.applied.last ?? 0 > 4_900)
    }

    @Test("a model that begins to lose, or is level again, leaves a mark")
    func marks() {
        var curves = ScoreCurves()
        curves.take(status(0.2), applied: 1, time: 1)
        curves.take(status(0.05, loses: true), applied: 2, time: 2)
        curves.take(status(0.05, loses: true), applied: 3, time: 3)
        curves.take(status(0.2), applied: 4, time: 4)
        #expect(curves.marks.map(\.text) == ["falls behind popularity", "is level with popularity"])
        #expect(curves.marks.map(\.applied) == [2, 4])
    }

    @Test(
        "they outlive a restart, without what the restored state has not learned, and go on where they stood")
    func kept() throws {
        let folder = Folder()
        let file = CurveFile(path: folder.path + "/curves.json")
        #expect(file.load(until: .max) == ScoreCurves())
        var curves = ScoreCurves()
        for second in 1...2_000 {
            curves.take(
                status(Double(second), loses: second > 1_500), applied: Int64(10 * second),
                time: Int64(second))
        }
        try file.save(curves)
        let size = try #require(FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int)
        #expect(size < 200_000)
        var whole = file.load(until: .max)
        #expect(whole.times == curves.times && whole.models == curves.models && whole.marks == curves.marks)
        for second in 2_001...2_100 {
            let next = status(Double(second), loses: true)
            curves.take(next, applied: Int64(10 * second), time: Int64(second))
            whole.take(next, applied: Int64(10 * second), time: Int64(second))
        }
        // They may be a few events apart: where between two points it stood is not kept.
        let (last, expected) = (try #require(whole.times.last), try #require(curves.times.last))
        #expect(abs(last - expected) <= 8 && whole.marks == curves.marks)
        #expect(whole.models[0].values.count == whole.times.count)

        let cut = file.load(until: 10_000)
        #expect(cut.applied.last.map { $0 <= 10_000 && $0 > 9_900 } == true)
        #expect(cut.marks.isEmpty && cut.models[0].values.count == cut.times.count)
        #expect(file.load(until: 0).times.isEmpty && file.load(until: 0).models.isEmpty)
    }

    @Test("a model that is not configured any more, and one that is new, leave columns of one length")
    func otherModels() {
        var curves = ScoreCurves()
        curves.take(status(0.2), applied: 1, time: 1)
        var renamed = status(0.3)
        renamed[0].name = "others"
        curves.take(renamed, applied: 2, time: 2)
        #expect(curves.models.map(\.values) == [[0.2, nil], [nil, 0.3]])
        #expect(curves.until(1).models.map(\.name) == ["likes"])
    }

    @Test(
        "a file that is damaged, of another form or too long is none",
        arguments: [
            "", "{", #"{"version":2,"curves":{}}"#,
            #"{"version":1,"curves":{"times":[1],"applied":[],"models":[],"marks":[],"stride":1}}"#,
            #"{"version":1,"curves":{"times":[],"applied":[],"models":[],"marks":[],"stride":0}}"#,
        ])
    func damaged(_ text: String) throws {
        let folder = Folder()
        let file = CurveFile(path: folder.path + "/curves.json")
        try Data(text.utf8).write(to: URL(filePath: file.path))
        #expect(file.load(until: .max) == ScoreCurves())
        #expect(throws: (any Error).self) {
            try CurveFile(path: folder.path + "/none/curves.json").save(ScoreCurves())
        }
    }
}
