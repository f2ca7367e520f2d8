internal import Checkpoints
internal import Foundation

/// Rows of a state that no daemon would have written.
enum DeltaDamage {
    /// What was changed, for people.
    static func change(_ delta: inout StateDelta, _ numbers: inout FuzzNumbers) -> String {
        switch numbers.below(8) {
        case 0, 1: return changeUser(&delta, &numbers)
        case 2: return changeItem(&delta, &numbers)
        case 3: return changeScalar(&delta.scalars, &numbers)
        case 4, 5:
            let model = numbers.below(delta.models.count)
            return delta.models[model].name + " " + changeScalar(&delta.models[model].scalars, &numbers)
        case 6: return changeFactors(&delta.userFactors, &numbers)
        default: return changeFactors(&delta.itemFactors, &numbers)
        }
    }

    private static func change(_ data: inout Data, _ numbers: inout FuzzNumbers) {
        var bytes = Array(data)
        BlobDamage.change(&bytes, &numbers)
        data = Data(bytes)
    }

    private static func integer(_ numbers: inout FuzzNumbers) -> Int64 {
        numbers.pick([0, 1, -1, 1 << 31, .max, .min, Int64(bitPattern: numbers.next())])
    }

    private static func double(_ numbers: inout FuzzNumbers) -> Double {
        numbers.pick([0, -1, .infinity, .nan, 1e308, -1e308, Double(bitPattern: numbers.next())])
    }

    private static func changeUser(_ delta: inout StateDelta, _ numbers: inout FuzzNumbers) -> String {
        let place = numbers.below(delta.users.count)
        var user = delta.users[place]
        defer { delta.users[place] = user }
        let part = numbers.below(11)
        switch part {
        case 0, 1: change(&user.history, &numbers)
        case 2: change(&user.hidden, &numbers)
        case 3: change(&user.marks, &numbers)
        case 4: change(&user.tallies, &numbers)
        case 5: change(&user.id, &numbers)
        case 6: user.row = numbers.pick([-1, 0, 1, 41, 5_000, 70_000, 1_900_000_000, .max, .min])
        case 7: user.nextOrder = integer(&numbers)
        case 8: user.lastEvent = integer(&numbers)
        case 9: user.residualSum = double(&numbers)
        default: user.ratings = integer(&numbers)
        }
        return "users row \(place), part \(part)"
    }

    private static func changeItem(_ delta: inout StateDelta, _ numbers: inout FuzzNumbers) -> String {
        let place = numbers.below(delta.items.count)
        var item = delta.items[place]
        defer { delta.items[place] = item }
        let part = numbers.below(8)
        switch part {
        case 0: change(&item.id, &numbers)
        case 1:
            item.title.map {
                var title = $0; change(&title, &numbers); item.title = title
            } ?? ()
        case 2: item.row = numbers.pick([-1, 0, 1, 59, 5_000, 70_000, 1_900_000_000, .max, .min])
        case 3: item.users = integer(&numbers)
        case 4: item.ratings = integer(&numbers)
        case 5: item.ratingSum = double(&numbers)
        case 6: item.lastEvent = integer(&numbers)
        default: item.tags = (0..<numbers.below(300)).map { "t\($0)" }
        }
        return "items row \(place), part \(part)"
    }

    private static func changeScalar(
        _ scalars: inout [String: Scalar], _ numbers: inout FuzzNumbers
    ) -> String {
        let names = scalars.keys.sorted()
        guard !names.isEmpty else { return "no scalar" }
        let name = numbers.pick(names)
        switch scalars[name] {
        case .blob(var data) where !numbers.happens(oneIn: 8):
            change(&data, &numbers)
            scalars[name] = .blob(data)
        default:
            scalars[name] = numbers.pick([
                .integer(integer(&numbers)), .double(double(&numbers)), .blob(Data("{}".utf8)),
            ])
        }
        return "scalar \(name)"
    }

    private static func changeFactors(
        _ tables: inout [StoredFactors], _ numbers: inout FuzzNumbers
    ) -> String {
        let number = numbers.below(tables.count)
        var table = tables[number]
        defer { tables[number] = table }
        guard !table.rows.isEmpty else { return "no factors" }
        let (row, part) = (numbers.below(table.rows.count), numbers.below(6))
        switch part {
        case 0: table.rows[row] = Int32(truncatingIfNeeded: integer(&numbers))
        case 1:
            if !table.vectors.isEmpty {
                table.vectors[numbers.below(table.vectors.count)] = numbers.pick([.nan, .infinity, 1e38])
            }
        case 2: table.biases[row] = numbers.pick([.nan, -.infinity, 1e38])
        case 3: table.steps[row] = numbers.pick([.nan, -1, 1e38])
        case 4:
            if !table.trails.isEmpty { change(&table.trails[numbers.below(table.trails.count)], &numbers) }
        default:
            guard !table.popularity.isEmpty else { break }
            var counts = table.popularity[row]
            counts.positives = Int32(truncatingIfNeeded: integer(&numbers))
            (counts.popular, counts.trend) = (double(&numbers), double(&numbers))
            counts.countedAt = integer(&numbers)
            table.popularity[row] = counts
        }
        return "factors of \(table.model) row \(row), part \(part)"
    }
}
