import Access
import HTTPTypes
import HummingbirdCore
import LookUps
import NIOCore

/// What can be asked for, how it is answered, and all that the OpenAPI document says of it.
struct Route: Sendable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case value(String)
    }

    /// How the answer is made.
    enum Work: Sendable {
        /// On the threads for look-ups.
        case lookup(@Sendable (Call) throws -> JSON)
        case any(@Sendable (Call) async throws -> Response)
    }

    /// Who may ask.
    enum Access: Sendable, Equatable {
        /// Anybody: says nothing of what is learned.
        case anybody
        case whoever(Role)
    }

    /// What the body of a request holds.
    struct Body: Sendable {
        /// The first is what the document describes; the others are taken too.
        var mediaTypes: [String]
        var schema: JSON
    }

    struct Answer: Sendable {
        var mediaType = "application/json"
        var schema: JSON
        var description: String
    }

    let method: HTTPRequest.Method
    let path: String
    let segments: [Segment]
    let name: String
    let summary: String
    let parameters: [Parameter]
    let body: Body?
    let answer: Answer
    /// Statuses of problems beside those that every route may have.
    let problems: [HTTPResponse.Status]
    let access: Access
    let work: Work

    /// - Parameter path: say `/v1/items/{item}`; what stands in braces is declared among the parameters.
    init(
        _ method: HTTPRequest.Method, _ path: String, _ name: String, _ summary: String,
        parameters: [Parameter] = [], body: Body? = nil, answer: Answer,
        problems: [HTTPResponse.Status] = [], access: Access = .whoever(.read), _ work: Work
    ) {
        self.method = method
        self.path = path
        segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { part in
            part.hasPrefix("{") ? .value(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
        self.name = name
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.answer = answer
        self.problems = problems
        self.access = access
        self.work = work
    }

    /// Looks at every user.
    var isLong: Bool { name == "similar_users" }

    /// What the parameters in the path are, by name; `nil` where the path is another.
    func match(_ parts: [String]) -> [String: [String]]? {
        guard parts.count == segments.count else { return nil }
        var values: [String: [String]] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let literal): if literal != part { return nil }
            case .value(let name): values[name] = [part]
            }
        }
        return values
    }

    /// The parameters of a request, each checked.
    func values(path: [String: [String]], query: [(String, String)]) throws(Problem) -> [String: [String]] {
        var values = path
        for (name, value) in query {
            guard let parameter = parameters.first(where: { $0.name == name && $0.place == .query }) else {
                throw .invalid("'\(name.prefix(64))' is no parameter of \(self.path)\(known)")
            }
            guard parameter.repeats || values[name] == nil else { throw .invalid("\(name) is given twice") }
            values[name, default: []].append(value)
        }
        for parameter in parameters {
            let found = values[parameter.name] ?? []
            guard !parameter.isRequired || !found.isEmpty else {
                throw .invalid("\(parameter.name) is missing")
            }
            for value in found { try parameter.check(value) }
        }
        return values
    }

    private var known: String {
        let names = parameters.filter { $0.place == .query }.map(\.name)
        return names.isEmpty ? "" : "; there are \(names.joined(separator: ", "))"
    }
}
