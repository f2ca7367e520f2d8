import Events
import Feeding
import InventedWorlds
import Reporting

/// What an oracle thought of each rating and signal of a stream, as `freshet simulate --oracle` writes it.
struct OracleFile {
    /// By place in the stream.
    let truths: [ChoiceTruth?]

    /// - Parameter stream: the events that the file speaks of, in their order.
    /// - Throws: `CommandError` where it speaks of others.
    init(path: String, stream: [Event]) throws {
        var lines = try TextLines.read(path).makeIterator()
        guard lines.next() == TruthLine.header else {
            throw CommandError(
                "\(path): not what freshet simulate --oracle writes; wanted is the header '\(TruthLine.header)'",
                code: .data)
        }
        var number = 1
        var truths: [ChoiceTruth?] = []
        for event in stream {
            let (user, item): (EntityID, EntityID)
            switch event.kind {
            case .rating(let who, let what, _), .signal(let who, let what, _): (user, item) = (who, what)
            default:
                truths.append(nil)
                continue
            }
            number += 1
            guard let line = lines.next().flatMap({ TruthLine($0) }) else {
                throw CommandError(
                    "\(path):\(number): wanted is a line of \(user.string) and \(item.string), as the events have them",
                    code: .data)
            }
            guard line.user == user.string, line.item == item.string else {
                throw CommandError(
                    "\(path):\(number): is of \(line.user) and \(line.item), where the events have \(user.string) and "
                        + "\(item.string); it belongs to other events", code: .data)
            }
            truths.append(line.truth)
        }
        if let line = lines.next(), !line.isEmpty {
            throw CommandError("\(path): goes on after the last event; it belongs to others", code: .data)
        }
        self.truths = truths
    }
}
