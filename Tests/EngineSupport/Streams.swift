package import Engine
internal import EventLog
package import Events
internal import Factors
internal import Foundation
internal import Logging
package import State
package import StreamLearning

package func id(_ text: String) -> EntityID { try! EntityID(text) }

/// Seeded events of a small world: two tastes, each user of one of them, some signals, retractions, hidden items
/// and a forget.
package func events(_ count: Int, seed: UInt64 = 1, users: Int = 60, items: Int = 80) -> [Event] {
    var random = KeyedRandom(seed: seed)
    return (0..<count).map { index in
        let user = random.next(below: users)
        let own = random.nextUnit() < 0.8
        let item = random.next(below: items / 2) * 2 + (own ? user % 2 : 1 - user % 2)
        let (userID, itemID) = (id("u\(user)"), id("i\(item)"))
        let time = Int64(index) * 1000
        switch random.next(below: 200) {
        case 0: return Event(.forget(user: userID), time: time)
        case 1...3: return Event(.retract(user: userID, item: itemID), time: time)
        case 4...15: return Event(.signal(user: userID, item: itemID, name: "click"), time: time)
        case 16...18:
            let description = ItemDescription(item: itemID, title: "Item \(item)", tags: ["tag\(item % 3)"])
            return Event(.item(description), time: time)
        case 19: return Event(.hide(user: userID, item: itemID), time: time)
        case 20: return Event(.unhide(user: userID, item: itemID), time: time)
        default:
            let value = own ? 4 + random.next(below: 2) : 1 + random.next(below: 3)
            return Event(.rating(user: userID, item: itemID, value: Float(value)), time: time)
        }
    }
}

/// The events as batches cut where `sizes` says, over and over.
package func batches(_ events: [Event], sizes: [Int]) -> [IngestBatch] {
    var (batches, start, turn): ([IngestBatch], Int, Int) = ([], 0, 0)
    while start < events.count {
        let end = min(events.count, start + sizes[turn % sizes.count])
        let logged = (start..<end).map {
            LoggedEvent(token: Token(partition: 0, offset: Int64($0)), logTime: 0, event: events[$0])
        }
        batches.append(IngestBatch(events: logged, positions: [0: Int64(end)]))
        (start, turn) = (end, turn + 1)
    }
    return batches
}

package func smallOptions(shards: Int = 1) -> EngineOptions {
    var options = EngineOptions()
    options.state.factors = 16
    options.state.models = Array(ModelOptions.defaults.prefix(2))
    options.state.defaultModel = "likes"
    options.state.shards = shards
    options.state.scoreWindowEvents = 500
    return options
}

/// A state that has learned the batches, one after the other, as the engine's queue does it.
package func learned(
    _ batches: [IngestBatch], _ options: EngineOptions, disturb: (LearnedState) -> Void = { _ in }
)
    -> LearnedState
{
    let state = LearnedState(options: options.state)
    for batch in batches {
        disturb(state)
        let application = BatchApplication(state: state, options: options.learning)
        application.apply(batch)
        // The whole state is looked at: not after each of a thousand batches.
        if batches.count <= 64 { expectSound(state) }
    }
    expectSound(state)
    return state
}

private func expectSound(_ state: LearnedState) {
    let violations = state.violations()
    precondition(violations.isEmpty, violations.prefix(5).joined(separator: "; "))
}
