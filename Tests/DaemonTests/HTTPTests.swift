import Foundation
import RESP
import TestSupport
import Testing

@Suite("HTTP beside the socket", .ownThread)
struct HTTPTests {
    @Test("what HTTP answers is what the socket answers")
    func same() throws {
        let place = try DaemonPlace()
        try place.fillLog(try Streams.invented(events: 2_000))
        let daemon = try place.start(["http.listen=127.0.0.1:0"])
        try daemon.waitUntil("all is learned") { $0["events.applied"] >= 2_000 && $0["lag.total"] == 0 }
        let site = try daemon.site
        #expect(try get(site, "/readyz").status == 200)
        // Look-ups show it some milliseconds after STATUS does.
        let last = try "0:\(#require(daemon.status()["position.0"]) - 1)"
        let found = try get(site, "/v1/recommend/u142?count=5&titles=true&after=\(last)")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(found.body.utf8)) as? [String: [[String: Any]]])
        let items = try #require(object["items"]).compactMap { $0["id"] as? String }
        #expect(try daemon.call("RECOMMEND", "u142", "COUNT", "5") == .array(items.map(RESPValue.text)))
        #expect(items.count == 5)
        let status = try #require(
            try JSONSerialization.jsonObject(with: Data(get(site, "/v1/status").body.utf8)) as? [String: Any])
        for name in ["events.applied", "users.count", "position.0", "rpc.connections"] {
            #expect(status[name] as? Int == (try daemon.status())[name], "\(name)")
        }
        let metrics = try get(site, "/metrics").body
        #expect(metrics.contains("freshet_rows{table=\"users\"} \(try daemon.status()["users.count"])\n"))
        #expect(metrics.contains("freshet_freshness_seconds_count "))
        #expect(try get(site, "/").body.contains("<title>Freshet</title>"))
        #expect(try daemon.stop() == .exit(0))
        #expect(throws: TestFailure.self) { try get(site, "/healthz") }
    }

    @Test("the dashboard's curves are there again after a restart, and begin anew with the state")
    func curvesOverRestarts() throws {
        let place = try DaemonPlace()
        try place.fillLog(try Streams.invented(events: 2_000))
        let first = try place.start(["http.listen=127.0.0.1:0"])
        try first.waitUntil("all is learned") { $0["events.applied"] >= 2_000 && $0["lag.total"] == 0 }
        let applied = try first.status()["events.applied"]
        var before: [Int] = []
        // Looked at ten times a second.
        try eventually("a point of all that is learned") {
            before = try curve(first.site)
            return before.last == applied
        }
        #expect(try first.stop() == .exit(0))
        let second = try place.start(["http.listen=127.0.0.1:0"])
        try eventually("the curves of before") { try curve(second.site) == before }
        #expect(try second.stop() == .exit(0))
        try FileManager.default.removeItem(atPath: place.stateFile)
        let third = try place.start(["http.listen=127.0.0.1:0"])
        try third.waitUntil("all is learned anew") { $0["events.applied"] >= 2_000 && $0["lag.total"] == 0 }
        let anew = try curve(third.site)
        #expect(zip(anew, anew.dropFirst()).allSatisfy { $0 < $1 }, "\(anew)")
        #expect(try third.stop() == .exit(0))
    }

    private func curve(_ site: String) throws -> [Int] {
        let body = try get(site, "/v1/curves").body
        let object = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        return object?["applied"] as? [Int] ?? []
    }

    @Test("an address that is taken ends with 73, and names key, value and the way out")
    func taken() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["http.listen=127.0.0.1:0"])
        let site = try daemon.site
        let (ending, errors) = try place.refusal([
            "state.folder=\(place.folder.path("second"))", "rpc.socket=\(place.folder.path("t"))",
            "http.listen=\(site)",
        ])
        #expect(ending == .exit(73))
        #expect(errors.contains("http.listen '\(site)'") && errors.contains("port 0"), "\(errors)")
        #expect(try get(site, "/healthz").status == 200)
        let (wrong, words) = try place.refusal([
            "state.folder=\(place.folder.path("second"))", "http.listen=8420",
        ])
        #expect(wrong == .exit(78) && words.contains("http.listen"), "\(words)")
    }

    @Test("with nothing as address there is no HTTP")
    func off() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["http.listen="])
        #expect(!daemon.errors.contains("HTTP listens"))
        #expect(try daemon.call("PING") == .simple("PONG"))
        #expect(try daemon.stop() == .exit(0))
    }
}
