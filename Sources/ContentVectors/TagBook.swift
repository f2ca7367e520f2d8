internal import Factors

/// Who carries which tag, with the vector of each tag. Items are rows; tags have numbers of their own, which nothing
/// that is learned depends on.
package struct TagBook: Sendable {
    /// Of an item, in its order; further ones say nothing here.
    package static let tagsMax = 256

    struct Tag: Sendable {
        var text: String
        /// What orders tags where their numbers must not: these depend on the order in which tags came.
        var key: UInt64
        var vector: SparseVector
        /// W times the vector, and the tag's own, with the map that is shown.
        var image: [TripletModel.Lane]
        /// Ascending.
        var rows: [Int32] = []
    }

    private(set) var tags: [Tag] = []
    private var numbers: [String: Int32] = [:]
    private var free: [Int32] = []
    /// By item row: the numbers of its tags, by their keys. So sums over them are the same to the last bit whatever else is
    /// known, and whatever number a tag has got.
    private(set) var carried = RowLists()
    /// Of each tag, as `Tag.key` has it.
    private var keys: [UInt64] = []
    /// Rows that carry any, ascending.
    package private(set) var rows: [Int32] = []
    private let embedding: TextEmbedding
    private var heapBytes = 0

    package init(embedding: TextEmbedding) { self.embedding = embedding }

    /// Distinct tags in use.
    package var count: Int { numbers.count }

    /// About: what dictionaries and arrays hold beside their elements is not known.
    package var bytes: Int {
        tags.capacity * (MemoryLayout<Tag>.stride + 8) + carried.bytes
            + numbers.capacity * (MemoryLayout<String>.stride + 8) + rows.capacity * 4 + heapBytes
    }

    /// One past the last row that ever carried a tag.
    package var rowEnd: Int { carried.rowEnd }

    package func tags(of row: Int) -> ArraySlice<Int32> { carried[row: row] }

    /// Takes over what an item is tagged with now.
    ///
    /// - Returns: false where it is what it was.
    package mutating func set(_ texts: [String], of row: Int, map: ContentMap) -> Bool {
        let wanted = Self.distinct(texts)
        let before = Array(tags(of: row))
        if before.count == wanted.count, before.allSatisfy({ wanted.contains(tags[Int($0)].text) }) {
            return false
        }
        let kept = before.filter { wanted.contains(tags[Int($0)].text) }
        for number in before where !kept.contains(number) { remove(row, from: number) }
        let numbered = wanted.map { text in
            let number = numbers[text] ?? intern(text, map: map)
            // Not by `before`: a new tag may have got the number of one that went just now.
            if !kept.contains(number) { tags[Int(number)].rows.insertAscending(Int32(row)) }
            return (key: tags[Int(number)].key, number: number)
        }
        let now = numbered.sorted { $0.key < $1.key }.map(\.number)
        heapBytes += (now.count - before.count) * MemoryLayout<Int32>.stride
        carried.set(now, of: row)
        if before.isEmpty { rows.insertAscending(Int32(row)) }
        if now.isEmpty { rows.removeAscending(Int32(row)) }
        return true
    }

    /// Normalised, in their order, each once.
    private static func distinct(_ texts: [String]) -> [String] {
        var (tags, known) = ([String](), Set<String>())
        for text in texts {
            guard tags.count < tagsMax else { break }
            if let tag = TextEmbedding.normalised(text), known.insert(tag).inserted { tags.append(tag) }
        }
        return tags
    }

    private mutating func intern(_ text: String, map: ContentMap) -> Int32 {
        let vector = embedding.embed(text)
        let key = Self.key(of: text)
        let tag = Tag(text: text, key: key, vector: vector, image: map.image(vector, of: key))
        heapBytes += Self.heapBytes(of: tag)
        if let number = free.popLast() {
            (tags[Int(number)], keys[Int(number)]) = (tag, tag.key)
            numbers[text] = number
            return number
        }
        tags.append(tag)
        keys.append(tag.key)
        let number = Int32(tags.count - 1)
        numbers[text] = number
        return number
    }

    /// Of a normalised tag.
    static func key(of text: String) -> UInt64 {
        var random = KeyedRandom(seed: 0, bytes: text.utf8)
        return random.next()
    }

    /// Of all tags in use.
    var keysInUse: Set<UInt64> { Set(tags.lazy.filter { !$0.text.isEmpty }.map(\.key)) }

    private mutating func remove(_ row: Int, from number: Int32) {
        tags[Int(number)].rows.removeAscending(Int32(row))
        guard tags[Int(number)].rows.isEmpty else { return }
        heapBytes -= Self.heapBytes(of: tags[Int(number)])
        numbers[tags[Int(number)].text] = nil
        tags[Int(number)] = Tag(text: "", key: 0, vector: SparseVector(unit: []), image: [])
        free.append(number)
    }

    private static func heapBytes(of tag: Tag) -> Int {
        // Each array on the heap has a head of 32 bytes; a text of up to 15 bytes lies in itself.
        3 * 32 + tag.vector.bytes + TripletModel.width * 4
            + (tag.text.utf8.count > 15 ? tag.text.utf8.count + 32 : 0)
    }

    /// Works out the images of all tags with another map.
    package mutating func project(with map: ContentMap) {
        for number in tags.indices where !tags[number].text.isEmpty {
            tags[number].image = map.image(tags[number].vector, of: tags[number].key)
        }
    }

    /// How many tags both carry; counted up to `most`.
    package func sharedTags(_ left: Int, _ right: Int, upTo most: Int = .max) -> Int {
        let (left, right) = (carried.range(of: left), carried.range(of: right))
        var (i, j, count) = (left.lowerBound, right.lowerBound, 0)
        while i < left.upperBound, j < right.upperBound, count < most {
            let (mine, other) = (carried[i], carried[j])
            let (first, second) = (keys[Int(mine)], keys[Int(other)])
            if mine == other { count += 1 }
            (i, j) = (first <= second ? i + 1 : i, second <= first ? j + 1 : j)
        }
        return count
    }

    /// The item's tag of this key.
    func tag(of key: UInt64, on row: Int) -> Int32? {
        carried.range(of: row).lazy.map { carried[$0] }.first { keys[Int($0)] == key }
    }

    /// The item's tags in an order that does not depend on their numbers: rare ones first.
    func rareFirst(_ row: Int) -> [Int32] {
        tags(of: row).map { (tags[Int($0)].rows.count, tags[Int($0)].key, $0) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }

    /// x_i: the mean of the item's tags, `without` one of them; `nil` where no other is left.
    package func input(of row: Int, without left: Int32? = nil) -> TagMean? {
        let numbers = tags(of: row).filter { $0 != left }
        guard !numbers.isEmpty else { return nil }
        var sum = [Float](repeating: 0, count: TextEmbedding.dimensions)
        for number in numbers { tags[Int(number)].vector.add(to: &sum, weight: 1 / Float(numbers.count)) }
        return TagMean(letters: sum, keys: numbers.map { keys[Int($0)] })
    }

    /// W x_i + b with the map that is shown.
    func projected(_ row: Int, bias: [TripletModel.Lane]) -> [TripletModel.Lane]? {
        let numbers = tags(of: row)
        guard !numbers.isEmpty else { return nil }
        var sum = [TripletModel.Lane](repeating: .zero, count: TripletModel.lanes)
        for number in numbers {
            let image = tags[Int(number)].image
            for lane in sum.indices { sum[lane] = sum[lane] + image[lane] }
        }
        for lane in sum.indices { sum[lane] = sum[lane] / Float(numbers.count) + bias[lane] }
        return sum
    }
}

extension [Int32] {
    mutating func insertAscending(_ row: Int32) {
        let index = firstIndex(notBelow: row)
        if index == count || self[index] != row { insert(row, at: index) }
    }

    mutating func removeAscending(_ row: Int32) {
        let index = firstIndex(notBelow: row)
        if index < count, self[index] == row { remove(at: index) }
    }

    private func firstIndex(notBelow row: Int32) -> Int {
        // Rows come in their order, as a rule.
        if let last, last < row { return count }
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
