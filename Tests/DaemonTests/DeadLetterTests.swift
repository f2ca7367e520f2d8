import Foundation
import TestSupport
import Testing

@Suite("records that are no events", .serialized, .ownThread)
struct DeadLetterTests {
    @Test("malformed records go to the dead-letter topic with reason and token, and the stream goes on")
    func kafka() throws {
        let bad = [
            "", "{", "null", "[1,2]", #"{"user":"u1","item":"i1"}"#,
            #"{"user":"u1","item":"i1","rating":"four"}"#, #"{"user":"u1","item":"i1","rating":NaN}"#,
            #"{"user":"u1","item":"i1","rating":1e300}"#, #"{"user":"","item":"i1","rating":3}"#,
            #"{"user":"\#(String(repeating: "u", count: 300))","item":"i1","rating":3}"#,
            #"{"type":"dance","user":"u1"}"#, #"{"user":"u1","item":"i1","rating":3,"ts":-5}"#,
            #"{"type":"signal","user":"u1","item":"i1","signal":"sneeze"}"#,
            #"{"user":"u1","item":"i1","rating":3,"note":"\#(String(repeating: "x", count: 70_000))"}"#,
        ]
        // Between good ones, so that each offset is known.
        let stream = bad.enumerated().flatMap { number, json in
            [TestRecord.rating("u\(number)", "i1", 3), TestRecord("u1", json)]
        }
        let host = try KafkaHost()
        try host.produce(stream)
        let place = try DaemonPlace()
        let daemon = try place.start(host.settings)
        try daemon.waitUntil("the stream is taken") { $0.positions == [0: stream.count] }
        let status = try daemon.status()
        #expect(status["events.applied"] == bad.count)
        #expect(status["events.dead-letters"] == bad.count)
        #expect(try daemon.call("CHECKPOINT").isError == false)

        let letters = try host.kafka.records(of: host.deadLetterTopic)
        #expect(letters.map { String(decoding: $0.value, as: UTF8.self) } == bad)
        for (number, letter) in letters.enumerated() {
            #expect(letter.headers["token"] == Array("0:\(2 * number + 1)".utf8))
            #expect(letter.headers["reason"]?.isEmpty == false)
        }
        #expect(try daemon.stop() == .exit(0))

        // A restart reads none of them again.
        let again = try place.start(host.settings)
        #expect(try again.status()["events.dead-letters"] == bad.count)
        #expect(try again.stop() == .exit(0))
    }
}
