import Foundation
import TestSupport
import Testing

@Suite("two daemons in one consumer group", .serialized, .ownThread)
struct GroupTests {
    @Test("they share the partitions, and one goes on alone from its own positions when the other stops")
    func sharing() throws {
        let host = try KafkaHost(partitions: 2)
        // Malformed records too: each counts once, however the partitions move.
        func produce(_ users: Range<Int>) throws {
            try host.produce(
                users.flatMap { user in
                    (0..<10).map { TestRecord.rating("u\(user)", "i\($0)", 3) } + [
                        TestRecord("u\(user)", "{")
                    ]
                })
        }
        let (placeA, placeB) = (try DaemonPlace(), try DaemonPlace())
        try produce(0..<20)
        let daemonA = try placeA.start(host.settings)
        try daemonA.waitUntil("A has both partitions") { $0["events.applied"] == 200 }

        let daemonB = try placeB.start(host.settings)
        try daemonB.waitUntil("B has one partition") { $0["events.applied"] > 0 && $0["lag.total"] == 0 }
        try daemonA.waitUntil("A has the other one") { ($0["lag.0"] >= 0) != ($0["lag.1"] >= 0) }
        try produce(20..<40)
        let whole = 2 * 20 * 11
        try eventually("both have learned their part") {
            let (a, b) = (try daemonA.status(), try daemonB.status())
            try requireExact(a, "A")
            try requireExact(b, "B")
            let positions = a.positions.merging(b.positions) { max($0, $1) }
            return positions.values.reduce(0, +) == whole
        }
        let shared = (try daemonA.status(), try daemonB.status())
        #expect(shared.0["events.applied"] < 400)
        #expect(shared.1["events.applied"] < 400)
        #expect(shared.0["events.applied"] + shared.1["events.applied"] >= 400)

        #expect(try daemonB.stop() == .exit(0))
        try daemonA.waitUntil("A has taken over") { $0.positions.values.reduce(0, +) == whole }
        let alone = try daemonA.status()
        try requireExact(alone, "A")
        #expect(alone["events.applied"] == 400)
        #expect(alone["events.dead-letters"] == 40)
        #expect(try daemonA.stop() == .exit(0))
    }

    /// Each record before the positions was taken once, and no other.
    private func requireExact(_ status: Status, _ name: String) throws {
        let taken = status["events.applied"] + status["events.dead-letters"]
        guard taken == status.positions.values.reduce(0, +) else {
            throw TestFailure("\(name) has taken \(taken) records: \(status.brief)")
        }
    }
}
