import HTTPTypes
import HummingbirdCore
import Logging
import LookUps
import NIOCore

/// Why a request is not answered, as RFC 9457 has it; `code` is for programs, and the same word as the RPC's error.
struct Problem: Error, Sendable {
    var status: HTTPResponse.Status
    var code: String
    var detail: String
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    init(_ error: LookupError) {
        self.init(Self.status(of: error.code), error.code.rawValue, error.message)
        if [.overloaded, .unavailable, .tryAgain].contains(error.code) { headers[.retryAfter] = "1" }
    }

    static let mediaType = "application/problem+json"

    /// One that nobody has thought of.
    static func fault(_ error: any Error, _ environment: HTTPEnvironment) -> Problem {
        environment.logger.error("an HTTP request failed", metadata: ["error": "\(error)"])
        return Problem(.internalServerError, "INTERNAL", "a fault of freshet's; its log says more")
    }

    static func invalid(_ detail: String) -> Problem { Problem(.badRequest, "ERR", detail) }

    private static func status(of code: LookupError.Code) -> HTTPResponse.Status {
        switch code {
        case .invalid: .badRequest
        case .noUser, .noItem, .noModel: .notFound
        // Nothing is wrong with the server: the client asked for an event that it had not learned.
        case .stale: .conflict
        case .overloaded, .unavailable, .tryAgain: .serviceUnavailable
        case .moved: .misdirectedRequest
        }
    }

    var json: JSON {
        .object([
            ("type", .string("about:blank")), ("title", .string(status.reasonPhrase)),
            ("status", .int(status.code)), ("code", .string(code)), ("detail", .string(detail)),
        ])
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = Self.mediaType
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: json.buffer))
    }
}
