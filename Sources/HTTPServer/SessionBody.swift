import Events
import Foundation
import LookUps
import NIOCore

/// The body of a session's request.
struct SessionBody {
    private struct Fields: Decodable {
        var items: [String]
        var weights: [Float]?
        var count: Int?
        var model: String?
        var tags: [String]?
        var exclude: [String]?
        var titles: Bool?
        var meta: Bool?

        static let names: Set = ["items", "weights", "count", "model", "tags", "exclude", "titles", "meta"]
    }

    let query: SessionQuery
    let wantsTitles: Bool

    init(_ body: ByteBuffer) throws(Problem) {
        let data = Data(body.readableBytesView)
        let fields: Fields
        do {
            if let whole = try JSONSerialization.jsonObject(with: data) as? [String: Any],
                let unknown = whole.keys.sorted().first(where: { !Fields.names.contains($0) })
            {
                throw Problem.invalid("'\(unknown.prefix(64))' is no member of a session")
            }
            fields = try JSONDecoder().decode(Fields.self, from: data)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .invalid(
                "the body has to be an object with `items`, an array of ids, and what is optional as "
                    + "/v1/openapi.json has it: \(Self.reason(error))")
        }
        let count = fields.count ?? 10
        guard (1...10_000).contains(count) else {
            throw .invalid("count is \(count); an integer from 1 to 10000 is allowed")
        }
        var items: [EntityID] = []
        for item in fields.items { items.append(try Call.id(item, "items")) }
        var exclude: [EntityID] = []
        for item in fields.exclude ?? [] { exclude.append(try Call.id(item, "exclude")) }
        query = SessionQuery(
            items: items, weights: fields.weights ?? [], count: count, model: fields.model,
            tags: fields.tags ?? [], exclude: exclude, wantsMeta: fields.meta ?? false)
        wantsTitles = fields.titles ?? false
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "it is no JSON" }
        switch error {
        case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of another type"
        default: return "it is no JSON"
        }
    }
}
