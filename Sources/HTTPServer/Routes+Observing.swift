import Engine
import HTTPTypes
import HummingbirdCore
import Instruments
import LookUps
import NIOCore
import Vitals

// How the daemon is, for people and for machines.
extension Routes {
    static let observing: [Route] = [
        Route(
            .get, "/healthz", "healthz", "Whether the process is alive.",
            answer: Schemas.answer("Alive", "It is."), access: .anybody,
            .any { call in
                .json(
                    .object([
                        ("alive", .bool(true)), ("version", .string(call.environment.options.version)),
                        ("unhealthy-models", .int(unhealthyModels(call.environment))),
                    ]))
            }),
        Route(
            .get, "/readyz", "readyz",
            "Whether to send requests here: not while the state is restored, nor when too far behind the log.",
            answer: Schemas.answer("Ready", "It is; with status 503 the same says why not."),
            access: .anybody, .any(ready)),
        Route(
            .get, "/metrics", "metrics", "For Prometheus.",
            answer: Route.Answer(
                mediaType: "text/plain", schema: Schemas.text, description: "Text format 0.0.4."),
            .any { call in
                .bytes(try await call.environment.onThreads { metrics(call) }, PrometheusText.contentType)
            }),
        Route(
            .get, "/v1/status", "status", "Positions, counters, live scores, memory.",
            answer: Schemas.answer("Status", "The fields of STATUS."),
            .lookup { call in
                .object(AnswerJSON.fields(call.environment.status(try call.environment.service())))
            }),
        Route(
            .get, "/v1/models", "models", "The models, each with its learner and live scores.",
            answer: Schemas.answer("Models", "The models."),
            .lookup { call in AnswerJSON.models(try call.environment.service().models()) }),
        Route(
            .get, "/v1/quarantine", "quarantine", "The latest updates that the guard dropped, newest first.",
            parameters: [
                Parameter.query("model", .text(bytesMax: 64), "Of this model alone."),
                Parameter.query("count", .integer(1...10_000), "Updates at most.").standing(at: .int(100)),
            ],
            answer: Schemas.answer("Quarantine", "The updates."), problems: [.notFound],
            .lookup { call in
                let updates = try call.environment.service().quarantine(
                    call.integer("count", otherwise: 100), model: call.text("model"))
                return .object([("updates", .array(updates.map(AnswerJSON.quarantined)))])
            }),
        Route(
            .get, "/v1/curves", "curves", "How the live scores went, over restarts too.",
            answer: Schemas.answer("Curves", "Columns: an entry a moment."),
            .lookup { call in
                _ = try call.environment.service()
                return AnswerJSON.curves(call.environment.live.curves)
            }),
        Route(
            .get, "/v1/map", "map",
            "The items' rows along the three directions in which they differ most; of 100,000 items at most.",
            parameters: [
                Parameter.query(
                    "model", .text(bytesMax: 64), "A model that has rows; by default one that has.")
            ],
            answer: Schemas.answer("Map", "Columns: an entry an item."), problems: [.notFound],
            .any { call in
                let service = try call.environment.service()
                return .bytes(
                    try await call.environment.maps.map(ofModel: call.text("model"), service),
                    "application/json")
            }),
        Route(
            .get, "/v1/stream", "stream",
            "What the dashboard shows, each second, as server-sent events until the client goes.",
            answer: Route.Answer(
                mediaType: "text/event-stream", schema: Schemas.text, description: "An object an event."),
            .any(stream)),
        Route(
            .get, "/v1/openapi.json", "openapi", "This document.",
            answer: Route.Answer(
                schema: .object([("type", .string("object"))]), description: "OpenAPI 3.1."),
            access: .anybody,
            .any { call in .json(OpenAPI.document(version: call.environment.options.version)) }),
    ]

    /// Alive they are all the same: what to do about them is for a person.
    private static func unhealthyModels(_ environment: HTTPEnvironment) -> Int {
        guard case .serving(let service) = environment.current else { return 0 }
        return service.models().count { $0.fields.contains(StatusField("unhealthy", .bool(true))) }
    }

    @Sendable private static func ready(_ call: Call) async throws -> Response {
        let reason: String
        var members: [(String, JSON)] = []
        switch call.environment.current {
        case .restoring: reason = "the state is being restored"
        case .stopping: reason = "freshet is shutting down"
        case .serving(let service):
            let (lag, lagMax) = (
                service.status().number("lag.total") ?? 0, call.environment.options.readyLagMax
            )
            members = [("lag", .integer(Int64(lag))), ("lag-max", .int(lagMax))]
            reason =
                lag > Double(lagMax) ? "\(Int(lag)) events behind the log, more than http.ready-lag-max" : ""
        }
        var response = Response.json(
            .object([("ready", .bool(reason.isEmpty)), ("reason", .string(reason))] + members))
        if !reason.isEmpty { response.status = .serviceUnavailable }
        return response
    }

    private static func metrics(_ call: Call) -> ByteBuffer {
        let environment = call.environment
        var text = PrometheusText()
        environment.registry.write(to: &text)
        if case .serving(let service) = environment.current {
            StatusMetrics.write(environment.status(service), service.models(), to: &text)
        } else {
            StatusMetrics.write(environment.ownStatus, [], to: &text)
        }
        ProcessMetrics.write(to: &text)
        text.family(
            "freshet_build_info", help: "Which freshet this is.",
            [([("version", environment.options.version)], .gauge(1))])
        return ByteBuffer(string: text.text)
    }

    @Sendable private static func stream(_ call: Call) async throws -> Response {
        let environment = call.environment
        guard let events = environment.live.follow(viewersMax: environment.options.viewersMax) else {
            throw LookupError(.overloaded, "\(environment.options.viewersMax) streams are followed already")
        }
        let body = ResponseBody { writer in
            for await event in events { try await writer.write(event) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
    }
}
