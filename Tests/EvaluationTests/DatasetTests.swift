import Evaluation
import Testing

@Suite("Events become a data set")
struct DatasetTests {
    private func built(_ fill: (inout DatasetBuilder) -> Void) -> Dataset {
        var builder = DatasetBuilder()
        fill(&builder)
        return builder.build()
    }

    @Test("the last by time stands for a pair, whatever the order of the rows")
    func lastStands() {
        let data = built { builder in
            builder.rate("u", "i", 5, at: 30)
            builder.rate("u", "i", 2, at: 10)
            builder.rate("u", "i", 3, at: 20)
        }
        #expect(data.observations.map(\.value) == [5])
        #expect(data.findings.superseded == 2)
        #expect(data.findings.backwards == 1)
        #expect(data.findings.events == 3)
    }

    @Test("of two at one time the later row stands, and equal ones are duplicates")
    func sameTime() {
        let data = built { builder in
            builder.rate("u", "i", 5, at: 10)
            builder.rate("u", "i", 5, at: 10)
            builder.rate("u", "i", 1, at: 10)
        }
        #expect(data.observations.map(\.value) == [1])
        #expect(data.findings.duplicates == 1)
        #expect(data.findings.superseded == 1)
    }

    @Test("a click does not take a rating back, a rating outranks a click")
    func signals() {
        let data = built { builder in
            builder.rate("u", "i", 2, at: 10)
            builder.click("u", "i", at: 20)
            builder.click("u", "j", at: 30)
            builder.rate("u", "j", 1, at: 5)
        }
        #expect(data.observations.map(\.value) == [2, 1])
        #expect(data.findings.outranked == 1)
    }

    @Test("what was retracted or forgotten is gone, and comes back when said anew")
    func retractions() {
        let data = built { builder in
            builder.rate("u", "i", 5, at: 10)
            builder.rate("v", "i", 4, at: 11)
            builder.rate("v", "j", 4, at: 12)
            builder.retract(user: "u", item: "i", time: 20)
            builder.forget(user: "v", time: 30)
            builder.rate("v", "k", 3, at: 40)
        }
        #expect(data.observations.map(\.value) == [3])
        #expect(data.userIDs == ["v"] && data.itemIDs == ["k"])
        #expect(data.findings.retracted == 3)
    }

    @Test("an event without a time has that of the row above")
    func timeless() {
        let data = built { builder in
            builder.rate("u", "i", 5, at: 10)
            builder.rate("u", "j", 5, at: nil)
        }
        #expect(data.observations.map(\.time) == [10, 10])
        #expect(data.findings.timeless == 1 && data.findings.backwards == 0)
    }

    @Test("ids are equal when their bytes are")
    func ids() {
        let data = built { builder in
            builder.rate("\u{E9}", "i", 5, at: 1)
            builder.rate("e\u{301}", "i", 5, at: 1)
        }
        #expect(data.userIDs.count == 2)
    }
}

extension DatasetBuilder {
    fileprivate mutating func rate(_ user: String, _ item: String, _ value: Float, at time: Int64?) {
        add(user: user, item: item, value: value, time: time, isRating: true, isPositive: value >= 4)
    }

    fileprivate mutating func click(_ user: String, _ item: String, at time: Int64?) {
        add(user: user, item: item, value: 1, time: time, isRating: false, isPositive: true)
    }
}
