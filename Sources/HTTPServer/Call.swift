import EventLog
import Events
import HTTPTypes
import HummingbirdCore
import LookUps
import NIOCore

/// A request that has been checked against its route.
struct Call: Sendable {
    /// By the name of the parameter, as they came, decoded.
    let values: [String: [String]]
    let body: ByteBuffer
    let head: HTTPRequest
    let caller: Caller
    let environment: HTTPEnvironment

    func text(_ name: String) -> String? { values[name]?.first }
    func texts(_ name: String) -> [String] { values[name] ?? [] }

    /// Checked already: what follows throws only where a route asks for what it did not declare.
    func id(_ name: String) throws(Problem) -> EntityID {
        guard let text = text(name) else { throw .invalid("\(name) is missing") }
        return try Self.id(text, name)
    }

    func ids(_ name: String) throws(Problem) -> [EntityID] {
        var ids: [EntityID] = []
        for text in texts(name) { ids.append(try Self.id(text, name)) }
        return ids
    }

    static func id(_ text: String, _ name: String) throws(Problem) -> EntityID {
        do throws(EventError) {
            return try EntityID(text)
        } catch {
            throw .invalid("\(name): \(error)")
        }
    }

    func integer(_ name: String, otherwise standard: Int) -> Int {
        text(name).flatMap { Int($0) } ?? standard
    }

    func flag(_ name: String) -> Bool { text(name) == "true" }

    func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? {
        text(name).flatMap(Choice.init(rawValue:))
    }

    /// What has to be learned before the answer.
    var after: (token: Token, timeout: Duration)? {
        text("after").flatMap { Token($0) }.map {
            ($0, .milliseconds(integer("timeout-ms", otherwise: Self.timeoutStandard)))
        }
    }

    static let timeoutStandard = 1_000
}
