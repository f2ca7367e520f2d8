import Events
import Foundation
import HTTPTypes
import Locking
import LookUps
import RPCSupport
import State
import Testing

@testable import HTTPServer

@Suite("Look-ups and events over HTTP")
struct RouteTests {
    private func items(_ answer: Answer) throws -> [String] {
        let items = try #require(try answer.json["items"] as? [[String: Any]])
        return items.compactMap { $0["id"] as? String }
    }

    @Test("a recommendation is what the service answers, with every option handed on")
    func recommend() async throws {
        try await withSite { site in
            let answer = try site.ask(
                "/v1/recommend/u%2F1?count=3&model=stars&tag=a&tag=b%20c&exclude=i2&seen=after%203%20d"
                    + "&fallback=none&titles=true&meta=true")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/json")
            #expect(try items(answer) == ["i1", "i3"])
            let first = try #require((try answer.json["items"] as? [[String: Any]])?.first)
            #expect(first["title"] as? String == "Title of i1")
            #expect(first["tags"] as? [String] == ["a", "b"])
            #expect((first["score"] as? NSNumber)?.floatValue == 0.9)
            #expect((try answer.json["meta"] as? [String: Any])?["unlearned"] as? Int == 2)
            let query = try #require(site.service.state.withLock { $0.recommended.last })
            #expect(query.user.string == "u/1" && query.count == 3 && query.model == "stars")
            #expect(query.tags == ["a", "b c"] && query.exclude.map(\.string) == ["i2"])
            #expect(query.seen == .after(3 * 86_400_000) && query.fallback == .none && query.wantsMeta)
        }
    }

    @Test("words are searched for, tags counted, and content asked for by a parameter")
    func content() async throws {
        try await withSite { site in
            #expect(
                try items(site.ask("/v1/search?word=time%20travel&word=robot&count=2&tag=a")) == ["i1", "i2"])
            let search = try #require(site.service.state.withLock { $0.searches.last })
            #expect(search.words == ["time travel", "robot"] && search.tags == ["a"])
            let meta = try site.ask("/v1/search?word=zzz&meta=true").json["meta"] as? [String: Any]
            #expect(meta?["guessed-words"] as? [String] == ["zzz"])
            let tags = try site.ask("/v1/tags/u1?count=1").json["tags"] as? [[String: Any]]
            #expect(tags?.count == 1 && tags?.first?["tag"] as? String == "comedy")
            #expect(tags?.first?["items"] as? Int == 3)
            #expect(try site.ask("/v1/tags?item=i1&item=i2").status == 200)
            #expect(try site.ask("/v1/search").status == 400)
            #expect(try site.ask("/v1/tags/lost").status == 404)
            _ = try site.ask("/v1/similar/i1?by=content")
            _ = try site.ask("/v1/recommend/u1?by=content")
            #expect(site.service.state.withLock { $0.similar.last?.by } == .content)
            #expect(site.service.state.withLock { $0.recommended.last?.by } == .content)
        }
    }

    @Test("what is not known is 404, what is not allowed 400, both as problems with the RPC's code")
    func problems() async throws {
        try await withSite { site in
            for (target, status, code) in [
                ("/v1/recommend/u1?model=none", 404, "NOMODEL"), ("/v1/items/lost", 404, "NOITEM"),
                ("/v1/users/lost", 404, "NOUSER"), ("/v1/recommend/u1?count=0", 400, "ERR"),
                ("/v1/recommend/u1?count=2&count=3", 400, "ERR"), ("/v1/recommend/u1?cuont=2", 400, "ERR"),
                ("/v1/top", 400, "ERR"), ("/v1/top?by=nothing", 400, "ERR"), ("/v1/none", 404, "NOTFOUND"),
                ("/v1/recommend/%ff", 400, "ERR"), ("/v1/items/", 400, "ERR"),
                ("/v1/recommend/u1?after=x", 400, "ERR"), ("/v1/top?by=popular&among=5", 400, "ERR"),
            ] {
                let answer = try site.ask(target)
                #expect(answer.status == status, "\(target): \(answer.text)")
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(try answer.json["code"] as? String == code, "\(target): \(answer.text)")
                #expect(try answer.json["status"] as? Int == status)
            }
            let answer = try site.ask("/v1/recommend/u1", method: "DELETE")
            #expect(answer.status == 405 && answer.headers["allow"] == "GET")
        }
    }

    @Test("a score that is no number is never served")
    func notANumber() async throws {
        try await withSite { site in
            site.service.change { $0.scoreFactor = .nan }
            for target in ["/v1/recommend/u1", "/v1/explain/u1/i2", "/v1/similar/i1"] {
                let answer = try site.ask(target)
                #expect(answer.status == 503, "\(target)")
                #expect(!answer.text.contains("items") && answer.text.contains("report it"))
            }
        }
    }

    @Test("sessions come as a body; an error in it is named")
    func session() async throws {
        try await withSite { site in
            let answer = try site.ask(
                "/v1/recommend", method: "POST",
                body: #"{"items":["i1","lost"],"weights":[5,3],"count":2,"meta":true}"#)
            #expect(try items(answer) == ["i1", "i2"])
            #expect((try answer.json["meta"] as? [String: Any])?["ignored"] as? [String] == ["lost"])
            #expect(site.service.state.withLock { $0.sessions.last?.weights } == [5, 3])
            for (body, word) in [
                ("{}", "items is missing"), ("[", "no JSON"), (#"{"items":"i1"}"#, "another type"),
                (#"{"items":["i1"],"item":1}"#, "'item' is no member"),
                (#"{"items":["i1"],"count":0}"#, "count"), (#"{"items":[""]}"#, "items"),
            ] {
                let answer = try site.ask("/v1/recommend", method: "POST", body: body)
                #expect(answer.status == 400 && answer.text.contains(word), "\(body): \(answer.text)")
            }
        }
    }

    @Test("events are appended in their order: one, an array, lines; each refusal stands in its place")
    func events() async throws {
        try await withSite { site in
            let one = try site.ask(
                "/v1/events", method: "POST", body: #" {"user":"a","item":"i1","rating":5} "#)
            #expect(one.status == 200 && one.text.contains(#""token":"0:0""#), "\(one.text)")
            let many = try site.ask(
                "/v1/events", method: "POST",
                body:
                    #"[{"user":"a,]}","item":"\"}i2","rating":4}, {"user":"b"} ,{"user":"c","item":"i3","rating":1}]"#
            )
            let found = try many.json
            #expect(found["accepted"] as? Int == 2 && found["refused"] as? Int == 1)
            let results = try #require(found["results"] as? [[String: Any]])
            #expect(results[1]["code"] as? String == "ERR" && results[2]["token"] as? String == "0:2")
            let lines = try site.ask(
                "/v1/events", method: "POST", headers: ["Content-Type: application/x-ndjson"],
                body:
                    "{\"user\":\"d\",\"item\":\"i4\",\"rating\":2}\r\n\n{\"type\":\"forget\",\"user\":\"d\"}\n"
            )
            #expect(try lines.json["accepted"] as? Int == 2)
            let users = site.service.state.withLock { $0.appended.compactMap(\.user?.string) }
            #expect(users == ["a", "a,]}", "c", "d", "d"])
            for body in ["", "[", "[]", "nonsense", #"{"user":"a"}"#, #"[{"user":"a"},{"user":"b"}]"#] {
                let answer = try site.ask("/v1/events", method: "POST", body: body)
                #expect(answer.status == 400, "\(body): \(answer.text)")
            }
            // A form of another site's page is of such a type, and a browser sends it without asking.
            let form = try site.ask(
                "/v1/events", method: "POST", headers: ["Content-Type: text/plain"], body: "{}")
            #expect(form.status == 415)
            #expect(site.service.state.withLock { $0.appended.count } == 5)
        }
    }

    @Test("after waits until the event is learned, and is 409 where it is not in time")
    func after() async throws {
        try await withSite { site in
            site.service.change { $0.learned = 5 }
            #expect(try site.ask("/v1/recommend/u1?after=0:4").status == 200)
            let late = try site.ask("/v1/recommend/u1?after=0:9&timeout-ms=5")
            #expect(late.status == 409)
            #expect(try late.json["code"] as? String == "STALE")
        }
    }

    @Test("every route of the table is in the document, with each parameter, and answers as it says")
    func document() async throws {
        try await withSite { site in
            let document = try site.ask("/v1/openapi.json").json
            #expect(document["openapi"] as? String == "3.1.0")
            let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
            for route in Routes.all {
                let operation = try #require(paths[route.path]?[route.method.rawValue.lowercased()])
                #expect(operation["operationId"] as? String == route.name)
                let named = try #require(operation["parameters"] as? [[String: Any]]).compactMap {
                    $0["name"] as? String
                }
                #expect(named == route.parameters.map(\.name))
                // What stands in braces is declared, and the other way round.
                let places = route.segments.compactMap { segment in
                    if case .value(let name) = segment { name } else { nil }
                }
                #expect(places == route.parameters.filter { $0.place == .path }.map(\.name))
            }
            #expect(Set(Routes.all.map(\.name)).count == Routes.all.count)
        }
    }
}
