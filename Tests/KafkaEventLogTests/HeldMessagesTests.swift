import EventLog
import Testing

@testable import KafkaEventLog

@Suite("messages held between fetch and poll")
struct HeldMessagesTests {
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
