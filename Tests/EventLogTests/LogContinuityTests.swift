import Events
import Testing

@testable import EventLog

@Suite("whether a log that is found again is the one that was learned from")
struct LogContinuityTests {
    private let learned = RecordFingerprint(offset: 119, hash: 7)
    private var stand: LogContinuity.Stand { .init(next: 120, learned: [learned]) }

    private func judge(
        _ stand: LogContinuity.Stand, earliest: Int64, end: Int64, found: [RecordFingerprint] = []
    ) -> LogContinuity.Verdict {
        LogContinuity.judge(stand, .init(earliest: earliest, end: end), found: found)
    }

    // A topic was made anew with more records than the state had learned: it went on in the middle of them.
    @Test("another record in the place of the one that was learned is another log")
    func differs() {
        #expect(
            judge(stand, earliest: 0, end: 520, found: [.init(offset: 119, hash: 8)]) == .differs(at: 119))
        #expect(judge(stand, earliest: 0, end: 520, found: [learned]) == .continues)
    }

    @Test("a record that retention or compaction has deleted is no difference")
    func gone() {
        #expect(judge(stand, earliest: 0, end: 520) == .continues)
        #expect(judge(stand, earliest: 120, end: 120) == .continues)
        #expect(LogContinuity.witnesses(of: stand, in: .init(earliest: 120, end: 130)).isEmpty)
        #expect(LogContinuity.witnesses(of: stand, in: .init(earliest: 0, end: 130)) == [119])
    }

    @Test("an older record that differs tells of an exchange after which newer ones were learned")
    func anchor() {
        let both = LogContinuity.Stand(next: 120, learned: [learned, .init(offset: 80, hash: 3)])
        let found: [RecordFingerprint] = [learned, .init(offset: 80, hash: 4)]
        #expect(judge(both, earliest: 0, end: 520, found: found) == .differs(at: 80))
    }

    @Test("a log that ends before the position is too short, and one that ends at it is whole")
    func tooShort() {
        #expect(judge(stand, earliest: 0, end: 119) == .tooShort)
        #expect(judge(stand, earliest: 0, end: 0) == .tooShort)
        #expect(judge(stand, earliest: 0, end: 120) == .continues)
    }

    // 20 records and a commit marker: the position has moved past the marker as soon as the end was seen.
    @Test(
        "retention that passed only the marker at the end leaves no gap, one that passed unread offsets does")
    func gap() {
        #expect(judge(.init(next: 21), earliest: 21, end: 21) == .continues)
        #expect(judge(.init(next: 20), earliest: 21, end: 21) == .gap(to: 21))
        #expect(judge(.init(next: 20), earliest: 30, end: 40) == .gap(to: 30))
    }

    @Test("an id that one side does not know is no difference")
    func identity() {
        #expect(LogContinuity.isSame(nil, "a"))
        #expect(LogContinuity.isSame("a", nil))
        #expect(LogContinuity.isSame("a", "a"))
        #expect(!LogContinuity.isSame("a", "b"))
    }

    @Test("a fingerprint tells key, payload and time apart, and is the same in every process")
    func fingerprint() {
        func hash(_ key: String, _ payload: String, _ time: Int64) -> UInt64 {
            Array(key.utf8).withUnsafeBytes { key in
                Array(payload.utf8).withUnsafeBytes {
                    RecordFingerprint(offset: 1, key: key, payload: $0, time: time).hash
                }
            }
        }
        let all = [
            hash("u1", "abc", 5), hash("u1a", "bc", 5), hash("u1", "abd", 5), hash("u1", "abc", 6),
            hash("", "u1abc", 5),
        ]
        #expect(Set(all).count == all.count)
        #expect(hash("u1", "abc", 5) == 0xA322_9680_E344_1159)
    }

    @Test("what the end of a partition tells comes after the records before it, and without any too")
    func ends() {
        var held = HeldMessages()
        held.appendEnd(of: 3, at: 21)
        let isEmpty = held.isEmpty
        #expect(!isEmpty)
        var batch = LogBatch()
        held.handOut(to: &batch, recordsMax: 10)
        #expect(batch.count == 0)
        #expect(!batch.isEmpty)
        #expect(batch.positions == [3: 21])
        #expect(batch.fingerprints.isEmpty)
        batch.removeAll()
        #expect(batch.isEmpty)
    }
}
