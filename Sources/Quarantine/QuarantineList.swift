public import Events
internal import Locking

/// An update that the guard dropped, as it is shown.
public struct QuarantinedUpdate: Sendable, Equatable {
    public var model: String
    /// Of the event.
    public var token: Token
    /// `nil` of rows that were solved in a block.
    public var user: EntityID?
    public var item: EntityID?
    /// Of the event, in milliseconds since 1970.
    public var time: Int64
    /// `not-finite`, `past-norm` or `no-solution`.
    public var reason: String
    /// Steps that were dropped.
    public var steps: Int

    public init(
        model: String, token: Token, user: EntityID?, item: EntityID?, time: Int64, reason: String, steps: Int
    ) {
        (self.model, self.token, self.user, self.item) = (model, token, user, item)
        (self.time, self.reason, self.steps) = (time, reason, steps)
    }
}

/// The latest updates that the guard dropped, of this run of the program; of each model as many, so that one that fails all
/// the time does not push out what befell others. Written by the engine's queue; safe from any thread.
package final class QuarantineList: Sendable {
    package static let updatesPerModel = 256

    private struct Entry {
        var ordinal: Int64
        var update: QuarantinedUpdate
    }

    private let models: [String]
    /// By model, the oldest first.
    private let entries: Lock<[[Entry]]>

    package init(models: [String]) {
        self.models = models
        entries = Lock(Array(repeating: [], count: models.count))
    }

    /// - Parameters:
    ///   - rejections: in the order in which they came.
    ///   - user: the id of a row.
    package func add(
        _ rejections: [Rejection], user: (Int32) -> EntityID?, item: (Int32) -> EntityID?
    ) {
        guard !rejections.isEmpty else { return }
        var fresh = [[Rejection]](repeating: [], count: models.count)
        // Of thousands that come at once only the last are shown: the others need no names.
        for rejection in rejections.reversed()
        where fresh[rejection.model].count < Self.updatesPerModel { fresh[rejection.model].append(rejection) }
        let named = fresh.map { rejections in
            rejections.reversed().map { rejection in
                Entry(
                    ordinal: rejection.ordinal,
                    update: QuarantinedUpdate(
                        model: models[rejection.model],
                        token: Token(partition: rejection.partition, offset: rejection.offset),
                        user: rejection.user.flatMap(user), item: rejection.item.flatMap(item),
                        time: rejection.time, reason: rejection.reason.rawValue, steps: rejection.steps))
            }
        }
        entries.withLock { entries in
            for (model, more) in named.enumerated() where !more.isEmpty {
                entries[model] = Array((entries[model] + more).suffix(Self.updatesPerModel))
            }
        }
    }

    /// Erases all that names the user.
    package func forget(_ user: EntityID) {
        entries.withLock { entries in
            for model in entries.indices { entries[model].removeAll { $0.update.user == user } }
        }
    }

    /// The newest first; of one event in the order of the models.
    ///
    /// - Parameter model: `nil` for all.
    package func latest(_ count: Int, model: Int?) -> [QuarantinedUpdate] {
        let all = entries.withLock { entries in
            entries.indices.filter { model == nil || $0 == model }.flatMap { number in
                entries[number].reversed().map { (number: number, entry: $0) }
            }
        }
        return all.sorted { ($1.entry.ordinal, $0.number) < ($0.entry.ordinal, $1.number) }
            .prefix(max(0, count)).map(\.entry.update)
    }
}
