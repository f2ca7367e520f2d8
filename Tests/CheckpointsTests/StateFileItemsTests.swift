import Factors
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("What a state's file has of items, in a file of its own")
struct StateFileItemsTests {
    private static let identity = StateIdentity(factors: 8, models: [:], source: "test")

    private final class Contents: StateReader {
        var users = 0
        var items: [Int32: Int64] = [:]
        var scalars: [String: Scalar] = [:]
        var positions = 0

        func read(position: Int64, partition: Int32) { positions += 1 }
        func read(scalar: Scalar, name: String) { scalars[name] = scalar }
        func read(scalar: Scalar, name: String, model: String) {}
        func read(user: ReadUser) { users += 1 }
        func read(item: StoredItem) { items[item.row] = item.ratings }
        func read(userRow: ReadRow) {}
        func read(itemRow: ReadRow, popularity: StoredPopularity) {}
    }

    private func delta(_ items: Range<Int32>, ratings: Int64) -> StateDelta {
        var delta = StateDelta()
        delta.positions = [0: ratings]
        delta.scalars = ["mine": .integer(ratings), "ours": .double(0.1)]
        delta.users = [
            StoredUser(
                row: 0, id: Data("u".utf8), history: Data(), residualSum: 0, ratings: ratings, nextOrder: 0,
                lastEvent: 0, hidden: Data())
        ]
        delta.items = items.map { row in
            StoredItem(
                row: row, id: Data("i\(row)".utf8), title: nil, tags: [], available: true, users: 0,
                ratings: ratings, ratingSum: 0, lastEvent: nil)
        }
        return delta
    }

    private func contents(of path: String) throws -> Contents {
        let contents = Contents()
        let file = try StateFile(path: path, identity: Self.identity)
        try file.read(into: contents)
        try file.close()
        return contents
    }

    /// It was made as a writer makes one, which had to wait for it, and in the end gave up.
    @Test("is of one moment, whole, and without users, and checkpoints go on meanwhile")
    func oneMoment() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(delta(0..<12_000, ratings: 1))
        var written: Int64 = 1
        let isMade = try file.writeItems(to: folder.path + "/items.sqlite") { name, value in
            name == "mine" ? nil : value
        } while: {
            written += 1
            // Between any two of its steps.
            return (try? file.write(delta(5_000..<12_001, ratings: written))) != nil
        }
        #expect(isMade && written > 3)
        #expect(try StateFile.verify(path: folder.path + "/items.sqlite").problems == [])
        let image = try contents(of: folder.path + "/items.sqlite")
        #expect(image.items.count == 12_000 && image.items.values.allSatisfy { $0 == 1 })
        #expect(image.users == 0 && image.positions == 0)
        #expect(image.scalars["mine"] == nil && image.scalars["ours"] == .double(0.1))
        try file.close()
        #expect(try contents(of: folder.state).items[12_000] == written)
    }

    @Test("that is no longer wanted is none")
    func unwanted() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(delta(0..<12_000, ratings: 1))
        var left = 2
        let isMade = try file.writeItems(to: folder.path + "/items.sqlite") {
            $1
        } while: {
            left -= 1
            return left >= 0
        }
        #expect(!isMade)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/items.sqlite"))
        try file.close()
    }
}
