import Foundation
import RESP
import Synchronization
import TestSupport
import Testing

@Suite("upgrades without a gap", .ownThread)
struct TakeOverTests {
    /// Starts another daemon at the place, which takes over.
    private func takeOver(_ place: DaemonPlace, _ settings: [String] = []) throws -> DaemonProcess {
        try place.launch(settings, script: #"exec "$0" serve --take-over "${@:2}""#)
    }

    /// Whoever answers at the place.
    private func process(_ place: DaemonPlace) throws -> Int {
        Status(try RPCClient(socketPath: place.socket).call(["STATUS"]))["server.pid"]
    }

    @Test(
        "100,000 look-ups in flight over an upgrade are answered, none with an error, and no event is lost or learned twice"
    )
    func lookups() throws {
        let place = try DaemonPlace()
        try place.fillLog(try Streams.invented(events: 3_000))
        let old = try place.start(["checkpoint.every-seconds=3600"])
        try old.waitUntilApplied(3_000)
        let (clients, perClient) = (8, 12_500)
        let answered = Atomic(0)
        let rated = Atomic(0)
        let failed = Mutex<[String]>([])
        let group = DispatchGroup()
        for client in 0..<clients {
            let socket = place.socket
            DispatchQueue(label: "client \(client)").async(group: group) {
                do {
                    let connection = try RPCClient(socketPath: socket, timeout: .seconds(120))
                    var done = 0
                    while done < perClient {
                        // Ten in flight, one event among them.
                        for number in 0..<10 {
                            try connection.send(["RECOMMEND", "u\((done + number) % 300)"])
                        }
                        try connection.send(["RATE", "new\(client)", "i\(done % 200)", "4"])
                        for _ in 0..<10 {
                            let answer = try connection.receive()
                            guard case .array = answer else {
                                throw TestFailure("a look-up is answered by \(answer)")
                            }
                            answered.add(1, ordering: .relaxed)
                        }
                        let token = try connection.receive()
                        guard token.string?.hasPrefix("0:") == true else {
                            throw TestFailure("an event is answered by \(token)")
                        }
                        rated.add(1, ordering: .relaxed)
                        done += 10
                    }
                } catch {
                    failed.withLock { $0.append("client \(client): \(error)") }
                }
            }
        }
        try eventually("look-ups are under way") { answered.load(ordering: .relaxed) > 10_000 }
        let new = try takeOver(place, ["checkpoint.every-seconds=3600"])
        let ending = try old.child.wait(seconds: 120)
        let between = answered.load(ordering: .relaxed)
        group.wait()
        #expect(ending == .exit(0))
        #expect(failed.withLock { $0 } == [])
        #expect(answered.load(ordering: .relaxed) == clients * perClient)
        #expect(between < clients * perClient, "the upgrade came after all look-ups")
        try new.waitUntilReady()
        #expect(try process(place) == Int(new.child.id))
        // All of the log, and each event once.
        let events = Int(rated.load(ordering: .relaxed))
        try new.waitUntil("all is learned") { $0["lag.total"] == 0 }
        let status = try new.status()
        #expect(
            status.positions[0] == status["events.applied"] + status["events.duplicates"]
                + status["events.late"])
        #expect((status.positions[0] ?? 0) >= events)
        #expect(status["events.skipped"] == 0)
        #expect(status.text("log.name").hasPrefix("embedded log at "))
        #expect(try new.stop() == .exit(0))
        let left = try FileManager.default.contentsOfDirectory(atPath: place.stateFolder)
        #expect(!left.contains { $0.contains("take-over") })
        #expect(left.contains("state.sqlite"))
    }

    @Test("two upgrades end in the digest of a run with none")
    func digest() throws {
        let records = try Streams.invented(events: 4_000)
        let settings = ["engine.deterministic=true", "checkpoint.every-seconds=3600"]
        func feed(_ daemon: DaemonProcess, _ part: ArraySlice<TestRecord>) throws {
            for record in part {
                try daemon.client.send(["FEED", String(decoding: record.payload, as: UTF8.self)])
            }
            for _ in part { _ = try daemon.client.receive() }
        }
        func digest(_ daemon: DaemonProcess) throws -> String {
            try daemon.waitUntil("all is learned") { $0["lag.total"] == 0 && $0["events.in-memory"] == 0 }
            return Status(try daemon.call("STATUS", "DIGEST")).text("digest")
        }
        let plain = try DaemonPlace()
        let alone = try plain.start(settings)
        try feed(alone, records[...])
        let expected = try digest(alone)
        #expect(try alone.stop() == .exit(0))

        let place = try DaemonPlace()
        var daemon = try place.start(settings)
        for part in 0..<3 {
            try feed(daemon, records[(records.count * part / 3)..<(records.count * (part + 1) / 3)])
            guard part < 2 else { break }
            // Where the old daemon has learned nothing yet there is nothing to follow.
            try daemon.waitUntil("something is learned") { $0["events.applied"] > 0 }
            let next = try takeOver(place, settings)
            #expect(try daemon.child.wait(seconds: 120) == .exit(0))
            try next.waitUntilReady()
            #expect(next.errors.contains("level with the old daemon"), "\(next.errors)")
            daemon = next
        }
        #expect(try digest(daemon) == expected)
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("where no daemon runs there is nothing to take over: exit code 69, and the folder stays as it was")
    func nobody() throws {
        let place = try DaemonPlace()
        let daemon = try takeOver(place)
        #expect(try daemon.child.wait() == .exit(69))
        #expect(daemon.errors.contains("start without --take-over where none runs"))
    }

    @Test("a new daemon of another configuration is refused, and the old one goes on with its clients")
    func refused() throws {
        let place = try DaemonPlace()
        try place.fillLog(try Streams.invented(events: 500))
        let old = try place.start()
        try old.waitUntilApplied(500)
        let other = try takeOver(place, ["engine.factors=32"])
        #expect(try other.child.wait() == .exit(65))
        #expect(try old.status()["events.applied"] >= 500)
        #expect(try process(place) == Int(old.child.id))
        let new = try takeOver(place)
        #expect(try old.child.wait(seconds: 120) == .exit(0))
        try new.waitUntilReady()
        #expect(try new.status()["events.applied"] >= 500)
        #expect(try new.stop() == .exit(0))
    }

    @Test("on Kafka the new daemon goes on where the old one stood, in the same group")
    func kafka() throws {
        let host = try KafkaHost()
        let records = try Streams.invented(events: 2_000)
        try host.produce(Array(records.prefix(1_000)))
        let place = try DaemonPlace()
        let old = try place.start(host.settings)
        try old.waitUntil("the first are learned") { $0.positions[0] == 1_000 }
        let new = try takeOver(place, host.settings)
        #expect(try old.child.wait(seconds: 120) == .exit(0))
        try new.waitUntilReady()
        #expect(new.errors.contains("level with the old daemon"), "\(new.errors)")
        try host.produce(Array(records.dropFirst(1_000)))
        try new.waitUntil("all are learned") { $0.positions[0] == records.count }
        #expect(try new.status()["events.skipped"] == 0)
        #expect(try new.stop() == .exit(0))
    }
}
