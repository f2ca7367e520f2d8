// DescribedRuns: what descriptions cost a daemon.
//
// Here live the time until an item that was just described is found and recommended, and what learning loses to working
// out what tags say of rows. What never comes in: whether any of it is any good, which is ContentEvaluation's.

package import BenchmarkSupport
internal import Foundation
internal import RESP

/// How long it takes until an item that was just described is found by its words and stands among what is recommended.
package struct DescribedItems {
    package struct Result {
        package var searchable = Latencies()
        package var recommendable = Latencies()
        /// Items that were not found, or not recommended, though the answer waited for their description.
        package var missed = 0
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let client: RPCClient
    private let users: Int

    package init(_ daemon: MeasuredDaemon) throws {
        client = try RPCClient(socketPath: daemon.socketPath)
        users = daemon.users
    }

    /// Describes `count` items, one after the other, each with a word that no other has; those of it that the simulated
    /// catalogue has too say how it is liked.
    ///
    /// - Parameter model: of ratings, with priors.
    package func measure(_ count: Int, model: String) throws -> Result {
        var result = Result()
        let clock = ContinuousClock()
        for number in 0..<count {
            let (item, word) = ("described-\(number)", "word\(number)x")
            let user = "u\(1 + number % users)"
            let start = clock.now
            let answer = try client.call(["ITEM.SET", item, "TAG", word, "TAG", "Comedy", "TAG", "robot"])
            guard case .simple(let token) = Self.simple(answer) else {
                throw Failure(description: "ITEM.SET answered \(answer)")
            }
            let found = try client.call(["SEARCH", word, "TAG", word, "COUNT", "1", "AFTER", token])
            result.searchable.record(start.duration(to: clock.now))
            let recommended = try client.call(
                ["RECOMMEND", user, "MODEL", model, "TAG", word, "COUNT", "1", "AFTER", token])
            result.recommendable.record(start.duration(to: clock.now))
            if !Self.names(item, found) || !Self.names(item, recommended) { result.missed += 1 }
        }
        return result
    }

    /// A token comes as a bulk or a simple string.
    private static func simple(_ value: RESPValue) -> RESPValue {
        if case .bulk(let bytes) = value { return .simple(String(decoding: bytes, as: UTF8.self)) }
        return value
    }

    private static func names(_ item: String, _ answer: RESPValue) -> Bool {
        guard case .array(let items) = answer else { return false }
        return items.first == .bulk(Array(item.utf8))
    }
}
