/// Gathers events into a data set: for each pair of user and item, the last by time stands.
public struct DatasetBuilder {
    private struct Pair: Hashable {
        var user: Int32
        var item: Int32
    }

    private var users = Names()
    private var items = Names()
    private var rows: [Observation?] = []
    private var standing: [Pair: Int] = [:]
    private var findings = Dataset.Findings()
    private var lastTime: Int64?

    public init() {}

    /// Adds a rating, or a signal with its weight. `time` is in milliseconds since 1970.
    public mutating func add(
        user: String, item: String, value: Float, time: Int64?, isRating: Bool, isPositive: Bool
    ) {
        let observation = Observation(
            user: users.row(of: user), item: items.row(of: item), value: value, time: clock(time),
            isRating: isRating, isPositive: isPositive)
        let pair = Pair(user: observation.user, item: observation.item)
        guard let place = standing[pair], let earlier = rows[place] else {
            stand(observation, as: pair)
            return
        }
        if earlier.isRating, !isRating {
            // What a user has said outranks what a user has done, as in the daemon.
            findings.outranked += 1
        } else if earlier == observation {
            findings.duplicates += 1
        } else {
            findings.superseded += 1
            let outranks = isRating && !earlier.isRating
            guard outranks || observation.time >= earlier.time else { return }
            rows[place] = nil
            stand(observation, as: pair)
        }
    }

    /// Takes back what the user said of the item up to now.
    public mutating func retract(user: String, item: String, time: Int64?) {
        let time = clock(time)
        guard let user = users.known(user), let item = items.known(item) else { return }
        let pair = Pair(user: user, item: item)
        guard let place = standing[pair], let row = rows[place], row.time <= time else { return }
        rows[place] = nil
        standing[pair] = nil
        findings.retracted += 1
    }

    /// Takes back all that the user said up to now.
    public mutating func forget(user: String, time: Int64?) {
        let time = clock(time)
        guard let user = users.known(user) else { return }
        for (pair, place) in standing where pair.user == user {
            guard let row = rows[place], row.time <= time else { continue }
            rows[place] = nil
            standing[pair] = nil
            findings.retracted += 1
        }
    }

    /// Users and items that nothing stands of are left out.
    public func build() -> Dataset {
        let observations = rows.compactMap { $0 }
        var (userIDs, itemIDs): ([String], [String]) = ([], [])
        var userRows = [Int32](repeating: -1, count: users.names.count)
        var itemRows = [Int32](repeating: -1, count: items.names.count)
        let dense = observations.map { observation in
            var dense = observation
            let (user, item) = (Int(observation.user), Int(observation.item))
            if userRows[user] < 0 {
                userRows[user] = Int32(userIDs.count)
                userIDs.append(users.names[user])
            }
            if itemRows[item] < 0 {
                itemRows[item] = Int32(itemIDs.count)
                itemIDs.append(items.names[item])
            }
            dense.user = userRows[user]
            dense.item = itemRows[item]
            return dense
        }
        return Dataset(userIDs: userIDs, itemIDs: itemIDs, observations: dense, findings: findings)
    }

    private mutating func stand(_ observation: Observation, as pair: Pair) {
        standing[pair] = rows.count
        rows.append(observation)
    }

    /// Counts the event, and gives it the time of the row above where it has none.
    private mutating func clock(_ time: Int64?) -> Int64 {
        findings.events += 1
        if time == nil { findings.timeless += 1 }
        let now = time ?? lastTime ?? 0
        if let lastTime, now < lastTime { findings.backwards += 1 }
        lastTime = now
        return now
    }
}

/// Names and their row numbers, in the order of their coming. Names are compared byte by byte, as ids are.
private struct Names {
    private(set) var names: [String] = []
    private var rows: [[UInt8]: Int32] = [:]

    func known(_ name: String) -> Int32? { rows[Array(name.utf8)] }

    mutating func row(of name: String) -> Int32 {
        let key = Array(name.utf8)
        if let row = rows[key] { return row }
        let row = Int32(names.count)
        rows[key] = row
        names.append(name)
        return row
    }
}
