import Engine
import Foundation
import RPCSupport
import TestSupport
import Testing

@testable import HTTPServer

@Suite("How the daemon is, over HTTP")
struct ObservingTests {
    @Test("while the state is restored it is alive, not ready, and says so to all who ask for more")
    func restoring() async throws {
        try await withSite(serves: false) { site in
            #expect(try site.ask("/healthz").status == 200)
            let ready = try site.ask("/readyz")
            #expect(ready.status == 503)
            #expect(try ready.json["ready"] as? Bool == false)
            #expect(try ready.json["reason"] as? String == "the state is being restored")
            let other = try site.ask("/v1/recommend/u1")
            #expect(other.status == 503 && other.headers["retry-after"] == "1")
            #expect(try other.json["code"] as? String == "LOADING")
            #expect(try site.ask("/metrics").text.contains("freshet_connections{server=\"http\"}"))
            site.server.serve(site.service)
            #expect(try site.ask("/readyz").json["ready"] as? Bool == true)
        }
    }

    @Test("too far behind the log it is not ready, and says by how much")
    func lag() async throws {
        try await withSite {
            $0.readyLagMax = 10
        } body: { site in
            site.service.change { $0.moreStatus = [StatusField("lag.total", .integer(11))] }
            let behind = try site.ask("/readyz")
            #expect(behind.status == 503)
            #expect(try behind.json["lag"] as? Int == 11 && behind.json["lag-max"] as? Int == 10)
            site.service.change { $0.moreStatus = [StatusField("lag.total", .integer(10))] }
            #expect(try site.ask("/readyz").status == 200)
        }
    }

    @Test("STATUS becomes metrics under Prometheus's names and units")
    func names() async throws {
        try await withSite { site in
            site.service.change {
                $0.moreStatus = [
                    StatusField("events.ratings", .integer(5)), StatusField("events.duplicates", .integer(2)),
                    StatusField("lag.3", .integer(9)), StatusField("lag.total", .integer(9)),
                    StatusField("checkpoint.last-pause-ms", .double(1.5)),
                    StatusField("stage.learn-s", .double(0.25)),
                    StatusField("memory.users-bytes", .integer(64)),
                    StatusField("memory.sum-bytes", .integer(64)),
                    StatusField("log.name", .text("a \"log\"")),
                ]
            }
            _ = try site.ask("/v1/recommend/u1")
            let text = try site.ask("/metrics").text
            for line in [
                "freshet_events_total{kind=\"rating\",outcome=\"applied\"} 5",
                "freshet_events_total{kind=\"any\",outcome=\"duplicate\"} 2",
                "freshet_lag_events{partition=\"3\"} 9", "freshet_checkpoint_pause_seconds 0.0015",
                "freshet_stage_seconds_total{stage=\"learn\"} 0.25",
                "freshet_memory_bytes{part=\"users\"} 64",
                "freshet_model_score{model=\"stars\",measure=\"rmse\",of=\"model\"} 0.9",
                "freshet_lookup_seconds_count{command=\"recommend\"} 1",
                "freshet_http_requests_total{route=\"recommend\",status=\"2xx\"} 1",
                "freshet_build_info{version=\"0.1.0\"} 1", "# TYPE process_cpu_seconds_total counter",
            ] { #expect(text.contains(line + "\n"), "\(line)\n\(text)") }
            // A sum over the labels would count twice.
            #expect(!text.contains("partition=\"total\"") && !text.contains("part=\"sum\""))
        }
    }

    @Test("promtool finds nothing to say of the metrics", .enabled(if: Promtool.path != nil))
    func promtool() async throws {
        try await withSite { site in
            _ = try site.ask("/v1/recommend/u1")
            let folder = Folder()
            let (input, output) = (folder.path + "/metrics", folder.path + "/said")
            try site.ask("/metrics").text.write(toFile: input, atomically: true, encoding: .utf8)
            let child = try ChildProcess(
                [try #require(Promtool.path), "check", "metrics"], input: input, output: output)
            let ending = try child.wait()
            #expect(ending == .exit(0), "\((try? String(contentsOfFile: output, encoding: .utf8)) ?? "")")
        }
    }

    @Test("a stream tells at once what is known, then each second, and ends with the server")
    func stream() async throws {
        try await withSite { site in
            let connection = try TCPConnection(site.address)
            connection.send("GET /v1/stream HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = connection.receive(until: "\r\n\r\n")
            #expect(head.contains("text/event-stream"))
            let events = head + connection.receive(until: "events.applied\":7")
            #expect(events.contains("\"words\":") && events.contains("\"name\":\"stars\""))
            let more = connection.receive(until: "data: ")
            #expect(more.contains("data: "))
        }
    }

    @Test("one viewer too many is told so; one that has gone makes room")
    func viewers() async throws {
        try await withSite {
            $0.viewersMax = 1
        } body: { site in
            var connection: TCPConnection? = try TCPConnection(site.address)
            connection?.send("GET /v1/stream HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(connection?.receive(until: "data:").contains("200 OK") == true)
            #expect(try site.ask("/v1/stream").status == 503)
            connection = nil
            #expect(
                eventually {
                    guard let next = try? TCPConnection(site.address) else { return false }
                    next.send("GET /v1/stream HTTP/1.1\r\nHost: h\r\n\r\n")
                    return next.receive(until: "\r\n\r\n").contains("200 OK")
                })
        }
    }
}

private enum Promtool {
    /// Of Debian's package prometheus.
    static let path = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}
