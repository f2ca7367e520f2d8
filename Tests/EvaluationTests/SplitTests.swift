import Testing

@testable import Evaluation

@Suite("Splits")
struct SplitTests {
    private let hundred: [Observation] = (0..<100).map { row in
        liked(row % 7, row / 7, at: 1000 - row)
    }

    @Test("a random split holds out its fraction, and is a function of the seed")
    func random() throws {
        let split = try Split(hundred, rule: .random(fraction: 0.1), seed: 3)
        #expect(split.test.count == 10 && split.train.count == 90)
        #expect(try Split(hundred, rule: .random(fraction: 0.1), seed: 3).test == split.test)
        #expect(try Split(hundred, rule: .random(fraction: 0.1), seed: 4).test != split.test)
        let all = split.train + split.test
        #expect(Set(all.map(\.time)).count == 100)
    }

    @Test("a split by time learns the past and tests on the future")
    func byTime() throws {
        let split = try Split(hundred, rule: .byTime(fraction: 0.25), seed: 1)
        #expect(split.test.count == 25)
        let last = try #require(split.train.map(\.time).max())
        let first = try #require(split.test.map(\.time).min())
        #expect(last < first)
    }

    @Test("with all times equal, the last rows are the future")
    func equalTimes() throws {
        let same = (0..<10).map { observation(0, Int32($0), time: 5) }
        let split = try Split(same, rule: .byTime(fraction: 0.2), seed: 1)
        #expect(split.test.map(\.item) == [8, 9])
    }

    @Test("each user's last part is rounded down")
    func lastOfEachUser() throws {
        let rows = (0..<5).map { observation(0, Int32($0), time: Int64($0)) } + [observation(1, 0, time: 99)]
        let split = try Split(rows, rule: .lastOfEachUser(fraction: 0.4), seed: 1)
        #expect(split.test.map(\.item) == [3, 4])
        #expect(split.test.allSatisfy { $0.user == 0 })
    }

    @Test("leave one out takes each user's last positive event, ties by row, and spares who has but one")
    func leaveOneOut() throws {
        let rows = [
            observation(0, 0, time: 9), observation(0, 1, time: 10), observation(0, 2, time: 10),
            observation(0, 3, 1, time: 11, liked: false),
            observation(1, 0, time: 5), observation(1, 1, 1, time: 6, liked: false),
        ]
        let split = try Split(rows, rule: .leaveOneOut, seed: 1)
        #expect(split.test == [observation(0, 2, time: 10)])
        #expect(split.train.count == 5)
    }

    @Test("given pairs are held out")
    func given() throws {
        let rows = [observation(0, 0), observation(0, 1), observation(1, 1)]
        let split = try Split(rows, rule: .given([GivenPair(user: 0, item: 1)]), seed: 1)
        #expect(split.test == [observation(0, 1)])
    }

    @Test("nothing to learn and nothing to test are said in words")
    func empty() {
        #expect(throws: EvaluationError.emptyPart("there are no events to evaluate on")) {
            try Split([], rule: .random(fraction: 0.1), seed: 1)
        }
        #expect(throws: EvaluationError.emptyPart("the test part is empty: of 1 events, none is held out")) {
            try Split([observation(0, 0)], rule: .leaveOneOut, seed: 1)
        }
        #expect(throws: EvaluationError.self) {
            try Split([observation(0, 0)], rule: .random(fraction: 0.9), seed: 1)
        }
    }
}

@Suite("Given negatives")
struct GivenNegativesTests {
    private func parsed(_ lines: [String]) throws -> GivenNegatives {
        try GivenNegatives(
            lines: lines, userRow: { Int32($0).map { $0 } },
            itemRow: { Int32($0).flatMap { $0 < 10 ? $0 : nil } })
    }

    @Test("a line is a pair and its negatives")
    func lines() throws {
        let given = try parsed(["(0,5)\t1\t2\t3", "", "(1,6)\t4\t99"])
        #expect(
            given.entries == [
                .init(user: 0, item: 5, negatives: [1, 2, 3]), .init(user: 1, item: 6, negatives: [4]),
            ])
        #expect(given.unknownNegatives == 1)
        #expect(given.pairs == [GivenPair(user: 0, item: 5), GivenPair(user: 1, item: 6)])
    }

    @Test("a pair that the data does not know is counted")
    func unknown() throws {
        #expect(try parsed(["(0,77)\t1"]).unknownPairs == 1)
    }

    @Test("a line that is cut off is named by its number", arguments: ["(0,5", "(0,5)", "0,5\t1", "(0)\t1"])
    func malformed(line: String) {
        let error = #expect(throws: EvaluationError.self) { try parsed(["(0,5)\t1", line]) }
        guard case .malformed(let number, _)? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(number == 2)
    }
}
