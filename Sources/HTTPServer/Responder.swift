import Access
import CoreMetrics
import Engine
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import LookUps
import NIOCore

/// From a request to its response: which route, whether it may be asked, whether what it says is allowed.
struct Responder: Sendable {
    let environment: HTTPEnvironment
    let routes: [Route]

    init(_ environment: HTTPEnvironment) {
        self.environment = environment
        routes = Routes.all
    }

    func respond(to request: Request, from peer: Peer, isLocal: Bool) async -> Response {
        let isHead = request.method == .head
        var route: Route?
        var response: Response
        do {
            response = try await answer(request, from: peer, isLocal: isLocal, &route)
        } catch let problem as Problem {
            response = problem.response
        } catch let error as LookupError {
            response = Problem(error).response
        } catch {
            response = Problem.fault(error, environment).response
        }
        count(route, response.status)
        response.headers[.date] = HTTPDate.now
        response.headers[.xContentTypeOptions] = "nosniff"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return isHead ? response.createHeadResponse() : response
    }

    private func answer(
        _ request: Request, from peer: Peer, isLocal: Bool, _ route: inout Route?
    ) async throws -> Response {
        let (path, query) = try Target.parts(request.head.path ?? "/")
        let found = routes.compactMap { route in route.match(path).map { (route, $0) } }
        guard !found.isEmpty else {
            throw Problem(.notFound, "NOTFOUND", "there is nothing at this path; see /v1/openapi.json")
        }
        let method = request.method == .head ? HTTPRequest.Method.get : request.method
        guard let (chosen, pathValues) = found.first(where: { $0.0.method == method }) else {
            var problem = Problem(
                .methodNotAllowed, "METHOD", "\(request.method.rawValue.prefix(16)) is no method of this path"
            )
            problem.headers[.allow] = found.map(\.0.method.rawValue).joined(separator: ", ")
            throw problem
        }
        route = chosen
        try checkHost(request.head, isLocal: isLocal)
        let caller = try await Caller(request.headers, peer, chosen, environment)
        let values = try chosen.values(path: pathValues, query: query)
        let body = try await body(of: request, chosen)
        return try await perform(
            chosen,
            Call(
                values: values, body: body, head: request.head, caller: caller, environment: environment))
    }

    private func perform(_ route: Route, _ call: Call) async throws -> Response {
        switch route.work {
        case .any(let work): return try await work(call)
        case .lookup(let work):
            let service = try call.environment.service()
            // Before anything is waited for: the other waits.
            if let answer = try await call.environment.elsewhere?.answer(call, of: route) { return answer }
            if let after = call.after {
                try await withCheckedThrowingContinuation {
                    (continuation: CheckedContinuation<Void, any Error>) in
                    service.waitUntilLearned(after.token, timeout: after.timeout) { result in
                        continuation.resume(with: result.mapError { $0 as any Error })
                    }
                }
            }
            return .json(try await call.environment.onThreads { try work(call) })
        }
    }

    private func body(of request: Request, _ route: Route) async throws -> ByteBuffer {
        guard let expected = route.body else { return ByteBuffer() }
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        guard expected.mediaTypes.contains(type.trimmingCharacters(in: .whitespaces)) else {
            // What a page of another site can send unasked is of none of these types.
            throw Problem(
                .unsupportedMediaType, "MEDIATYPE",
                "Content-Type is '\(type.prefix(64))'; \(expected.mediaTypes.joined(separator: " or ")) is allowed"
            )
        }
        let bytesMax = environment.options.requestBytesMax
        let tooLarge = Problem(
            .contentTooLarge, "TOOLARGE", "a body has at most \(bytesMax) bytes (http.request-bytes-max)")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bytesMax {
            throw tooLarge
        }
        var body = ByteBuffer()
        for try await part in request.body {
            guard body.readableBytes + part.readableBytes <= bytesMax else { throw tooLarge }
            body.writeImmutableBuffer(part)
        }
        return body
    }

    // MARK: - Who may ask

    /// A page on the Internet can make its own name mean this machine, and then ask as if it came from here (DNS
    /// rebinding). Its requests carry that name; without a token, public names are refused.
    private func checkHost(_ head: HTTPRequest, isLocal: Bool) throws {
        guard !isLocal, environment.letsInWithoutName, let authority = head.authority else { return }
        guard Target.isPrivate(authority) else {
            throw Problem(
                .misdirectedRequest, "HOST",
                "'\(authority.prefix(128))' is a public name; set http.token to be asked under such names")
        }
    }

    private func count(_ route: Route?, _ status: HTTPResponse.Status) {
        Counter(
            label: "freshet_http_requests_total",
            dimensions: [("route", route?.name ?? "none"), ("status", "\(status.code / 100)xx")],
            factory: environment.registry
        ).increment()
    }
}

extension Response {
    static func json(_ json: JSON) -> Response { bytes(json.buffer, "application/json") }

    /// Large ones in parts, so that a client who takes its time is seen to take something.
    static func bytes(_ buffer: ByteBuffer, _ mediaType: String) -> Response {
        let headers: HTTPFields = [.contentType: mediaType]
        let partBytes = 128 << 10
        guard buffer.readableBytes > partBytes else {
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: buffer))
        }
        let body = ResponseBody(contentLength: buffer.readableBytes) { writer in
            var rest = buffer
            while let part = rest.readSlice(length: min(partBytes, rest.readableBytes)),
                part.readableBytes > 0
            {
                try await writer.write(part)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}
