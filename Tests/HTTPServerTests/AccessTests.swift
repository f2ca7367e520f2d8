import Access
import Foundation
import Instruments
import RPCSupport
import Testing

@testable import HTTPServer

@Suite("Who may ask over HTTP, and how much")
struct AccessTests {
    @Test("with a token set, all that says anything of what is learned asks for it")
    func token() async throws {
        try await withSite {
            $0.token = "secret"
        } body: { site in
            for target in [
                "/v1/status", "/metrics", "/v1/recommend/u1", "/v1/stream", "/v1/map", "/v1/curves",
            ] {
                let without = try site.ask(target)
                #expect(without.status == 401, "\(target)")
                #expect(without.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
                for wrong in ["Bearer secre", "Bearer secret2", "Bearer ", "Basic secret"] {
                    #expect(try site.ask(target, headers: ["Authorization: \(wrong)"]).status == 401)
                }
            }
            #expect(try site.ask("/v1/status", headers: ["Authorization: bearer secret"]).status == 200)
            for target in ["/healthz", "/readyz", "/", "/dashboard.js", "/v1/openapi.json"] {
                #expect(try site.ask(target).status == 200, "\(target)")
            }
        }
    }

    @Test("users have their roles over HTTP too, by Bearer and by Basic; limits are theirs")
    func users() async throws {
        let hash = try #require(PasswordHash.make(of: "p:1"))
        let users = [
            "watch": NamedUser(role: .read, hashes: [hash]), "shop": NamedUser(role: .feed, hashes: [hash]),
        ]
        let event = #"{"user":"u","item":"i","rating":1}"#
        for token in [nil, "secret"] {
            let access = AccessControl(AccessRules(standardRole: nil, users: users, eventsPerSecond: 2))
            try await withSite {
                $0.access = access
                $0.token = token
            } body: { site in
                func status(_ target: String, _ name: String?, body: String? = nil) throws -> Int {
                    let headers = name.map { ["Authorization: \($0)"] } ?? []
                    return try site.ask(
                        target, method: body == nil ? "GET" : "POST", headers: headers, body: body
                    ).status
                }
                #expect(try status("/v1/status", nil) == 401)
                #expect(try status("/healthz", nil) == 200)
                #expect(try status("/v1/status", "Bearer watch:p:1") == 200)
                let basic = "Basic " + Data("watch:p:1".utf8).base64EncodedString()
                #expect(try status("/v1/status", basic) == 200)
                for wrong in [
                    "Bearer watch:p:2", "Bearer nobody:p:1", "Bearer default:x", "Bearer x", "Basic =",
                ] {
                    #expect(try status("/v1/status", wrong) == 401, "\(wrong)")
                }
                #expect(try status("/v1/events", "Bearer watch:p:1", body: event) == 403)
                #expect(try status("/v1/events", "Bearer shop:p:1", body: event) == 200)
                let several = "[" + Array(repeating: event, count: 2_000).joined(separator: ",") + "]"
                #expect(try status("/v1/events", "Bearer shop:p:1", body: several) == 200)
                let refused = try site.ask(
                    "/v1/events", method: "POST", headers: ["Authorization: Bearer shop:p:1"], body: event)
                #expect(refused.status == 429)
                #expect(refused.text.contains("access.events-per-second is 2, and shop has used it up"))
                #expect(refused.headers["retry-after"] != nil)
                #expect(try status("/v1/status", "Bearer secret") == (token == nil ? 401 : 200))
            }
        }
    }

    @Test("the standard role holds over HTTP, too")
    func standardRole() async throws {
        let access = AccessControl(AccessRules(standardRole: .read))
        try await withSite {
            $0.access = access
        } body: { site in
            #expect(try site.ask("/v1/status").status == 200)
            let event = #"{"user":"u","item":"i","rating":1}"#
            let refused = try site.ask("/v1/events", method: "POST", body: event)
            #expect(refused.status == 403)
            #expect(refused.text.contains("this needs the role feed, and 'default' has read"))
        }
    }

    @Test("without a token, a page that makes its own name mean this machine is refused")
    func rebinding() async throws {
        try await withSite { site in
            for (host, status) in [
                ("127.0.0.1:8420", 200), ("localhost", 200), ("[::1]:8420", 200), ("freshet:8420", 200),
                ("evil.example.com", 421), ("127.0.0.1.example.com:80", 421),
            ] {
                let answer = try site.ask("/v1/status", headers: ["Host: \(host)"])
                #expect(answer.status == status, "\(host)")
            }
        }
        try await withSite {
            $0.token = "t"
        } body: { site in
            let headers = ["Host: freshet.example.com", "Authorization: Bearer t"]
            let answer = try site.ask("/v1/status", headers: headers)
            #expect(answer.status == 200)
        }
    }

    @Test("a body longer than allowed is refused, whether it says so or not")
    func body() async throws {
        try await withSite {
            $0.requestBytesMax = 100
        } body: { site in
            let long = "{\"user\":\"\(String(repeating: "u", count: 200))\"}"
            #expect(try site.ask("/v1/events", method: "POST", body: long).status == 413)
            let connection = try TCPConnection(site.address)
            connection.send(
                "POST /v1/events HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\nc8\r\n\(String(repeating: "u", count: 200))\r\n0\r\n\r\n"
            )
            #expect(try Answer(connection.receiveToEnd()).status == 413)
        }
    }

    @Test("one connection too many is told so, and there is room again once another goes")
    func connections() async throws {
        try await withSite {
            $0.connectionsMax = 2
        } body: { site in
            var held = [try TCPConnection(site.address), try TCPConnection(site.address)]
            for connection in held {
                connection.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(connection.receive(until: "alive").contains("200"))
            }
            let refused = try site.ask("/healthz")
            #expect(refused.status == 503)
            #expect(refused.text.contains("http.connections-max"))
            held.removeLast()
            #expect(eventually { (try? site.ask("/healthz").status) == 200 })
        }
    }

    @Test("a request that does not come whole is given up, and the others go on meanwhile")
    func slowRequest() async throws {
        try await withSite {
            $0.requestTimeout = .milliseconds(300)
        } body: { site in
            let slow = try TCPConnection(site.address)
            slow.send(
                "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
            #expect(try site.ask("/healthz").status == 200)
            #expect(slow.receiveToEnd().isEmpty)
            let silent = try TCPConnection(site.address)
            #expect(silent.receiveToEnd().isEmpty)
            #expect(site.registryText.contains("freshet_http_requests_total"))
        }
    }

    @Test("a client that does not take its answer is given up")
    func slowReader() async throws {
        try await withSite {
            $0.answerTimeout = .milliseconds(300)
        } body: { site in
            site.service.change { $0.answersLarge = true }
            let slow = try TCPConnection(site.address)
            let request = "GET /v1/recommend/u1 HTTP/1.1\r\nHost: h\r\n\r\n"
            slow.send(String(repeating: request, count: 4_000))
            #expect(eventually { site.cutOff > 0 })
            #expect(try site.ask("/healthz").status == 200)
        }
    }

    @Test("the page and its parts come with rules that keep all else out")
    func policy() async throws {
        try await withSite { site in
            let page = try site.ask("/")
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
            #expect(page.headers["x-content-type-options"] == "nosniff")
            for word in ["=\"http", "onclick=", "style=\"", "<script>", "<style>"] {
                #expect(!page.text.contains(word))
            }
            let head = try site.ask("/", method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty)
        }
    }
}

extension Site {
    var registryText: String {
        var text = PrometheusText()
        registry.write(to: &text)
        return text.text
    }

    var cutOff: Int {
        let fields = (try? ask("/v1/status").json) ?? [:]
        return fields["http.connections.cut-off"] as? Int ?? 0
    }
}
