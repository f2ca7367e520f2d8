internal import BenchmarkSupport
internal import CZlib
internal import Events
internal import Factors
internal import Foundation
internal import Training

/// Ratings of a MovieLens file, and how they are parted.
struct RatingsData {
    let ratings: Interactions
    /// Id of each item row.
    let items: [EntityID]
    let users: [EntityID]

    init(path: String) throws {
        let file = try EventFile.open(path, options: EventOptions())
        var builder = InteractionsBuilder<EntityID>()
        while let entry = try file.next() {
            guard case .event(let event) = entry, case .rating(let user, let item, let value) = event.kind
            else { continue }
            builder.add(user: user, item: item, value: value, time: event.time ?? 0)
        }
        (ratings, users, items) = (builder.build(), builder.users, builder.items)
    }

    /// The ratings of a file whose ids are numbers, with a row for every number up to the largest.
    static func byNumber(path: String) throws -> Interactions {
        let data = try RatingsData(path: path)
        func numbers(_ ids: [EntityID]) throws -> [Int32] {
            try ids.map { id in
                guard let number = Int32(id.string), number >= 0 else {
                    throw QualityError(description: "'\(id.string)' in \(path) is no number")
                }
                return number
            }
        }
        let (users, items) = (try numbers(data.users), try numbers(data.items))
        let ratings = data.ratings
        return Interactions(
            userCount: Int(users.max() ?? -1) + 1, itemCount: Int(items.max() ?? -1) + 1,
            users: ratings.users.map { users[Int($0)] }, items: ratings.items.map { items[Int($0)] },
            values: ratings.values, times: ratings.times)
    }

    /// A random tenth, set aside.
    static func tenth(of interactions: Interactions, seed: UInt64) -> (
        rest: Interactions, tenth: Interactions
    ) {
        func isInTenth(_ index: Int) -> Bool {
            var random = KeyedRandom(seed: seed, stream: 10, index: UInt64(index))
            return random.next(below: 10) == 0
        }
        return (interactions.filter { !isInTenth($0) }, interactions.filter(isInTenth))
    }
}

/// One item per user set aside, and 99 items that the user did not take to rank it against.
struct LeaveOneOut {
    let train: Interactions
    /// By user; -1 where the user has none.
    let wanted: [Int32]
    let negatives: [[Int32]]

    /// The split of He et al., "Neural Collaborative Filtering", 2017: all ratings count as taken, the latest is the
    /// one wanted, and the 99 negatives are given.
    init(ncf folder: URL, data: RatingsData) throws {
        var userRows: [String: Int32] = [:]
        for (row, id) in data.users.enumerated() { userRows[id.string] = Int32(row) }
        var itemRows: [String: Int32] = [:]
        for (row, id) in data.items.enumerated() { itemRows[id.string] = Int32(row) }
        var movieRow: [String: Int32] = [:]
        for line in try GzipText.lines(folder.appending(path: "ncf_item_to_movieId.csv")).dropFirst() {
            let cells = line.split(separator: ",").map(String.init)
            movieRow[cells[0]] = itemRows[cells[1]]
        }
        var wanted = [Int32](repeating: -1, count: data.users.count)
        var negatives = [[Int32]](repeating: [], count: data.users.count)
        for line in try GzipText.lines(folder.appending(path: "ncf.test.negative.gz")) {
            let cells = line.split(separator: "\t").map(String.init)
            let pair = cells[0].dropFirst().dropLast().split(separator: ",").map(String.init)
            guard pair.count == 2, let number = Int(pair[0]), let user = userRows[String(number + 1)],
                let item = movieRow[pair[1]]
            else {
                throw QualityError(
                    description: "ncf.test.negative.gz: a line is not understood: \(line.prefix(60))")
            }
            wanted[Int(user)] = item
            negatives[Int(user)] = cells.dropFirst().compactMap { movieRow[$0] }
        }
        (self.wanted, self.negatives) = (wanted, negatives)
        let ratings = data.ratings
        train = ratings.filter { wanted[Int(ratings.users[$0])] != ratings.items[$0] }.mapValues { _ in 1 }
    }

    /// The latest item of each user in `interactions` set aside, with 99 negatives drawn: what settings are chosen by.
    init(latestOf interactions: Interactions, seed: UInt64) {
        var last = [Int](repeating: -1, count: interactions.userCount)
        for index in 0..<interactions.count {
            let user = Int(interactions.users[index])
            if last[user] < 0 || interactions.times[index] >= interactions.times[last[user]] {
                last[user] = index
            }
        }
        wanted = last.map { $0 < 0 ? -1 : interactions.items[$0] }
        train = interactions.filter { last[Int(interactions.users[$0])] != $0 }
        let seen = interactions.grouped(by: .user)
        negatives = (0..<interactions.userCount).map { user in
            var random = KeyedRandom(seed: seed, stream: 11, index: UInt64(user))
            var drawn: Set<Int32> = []
            let unseen = interactions.itemCount - seen.range(user).count
            while drawn.count < min(99, unseen) {
                let item = Int32(random.next(below: interactions.itemCount))
                if !seen.contains(user, item) { drawn.insert(item) }
            }
            return drawn.sorted()
        }
    }
}

struct QualityError: Error, CustomStringConvertible {
    let description: String
}

/// Lines of a text file, gzip or not.
enum GzipText {
    static func lines(_ url: URL) throws -> [String] {
        guard let file = gzopen(url.path, "rb") else {
            throw QualityError(description: "cannot read \(url.path)")
        }
        defer { gzclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = gzread(file, &chunk, UInt32(chunk.count))
            guard count >= 0 else { throw QualityError(description: "cannot unpack \(url.path)") }
            if count == 0 { break }
            bytes += chunk[0..<Int(count)]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
