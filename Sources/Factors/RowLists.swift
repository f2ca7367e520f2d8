/// Numbers that rows have, tags or features: a short list for each row, one behind the other. To read one costs no more than
/// its numbers, where an array for each row would be taken hold of and let go at each look.
public struct RowLists: Sendable, Equatable {
    @usableFromInline
    struct Place: Sendable {
        @usableFromInline var start: Int32 = 0
        @usableFromInline var count: Int32 = 0
        /// Numbers that fit where the list stands.
        @usableFromInline var room: Int32 = 0

        @usableFromInline
        init() {}

        init(start: Int32, count: Int32) { (self.start, self.count, room) = (start, count, count) }
    }

    @usableFromInline var places: [Place] = []
    @usableFromInline var numbers: [Int32] = []
    /// Room that belongs to no list any more.
    private var lost = 0

    public init() {}

    /// One past the last row that ever had a list.
    public var rowEnd: Int { places.count }

    /// Bytes held.
    public var bytes: Int {
        places.capacity * MemoryLayout<Place>.stride + numbers.capacity * MemoryLayout<Int32>.stride
    }

    /// Where the row's list stands in `self[place]`.
    @inlinable
    public func range(of row: Int) -> Range<Int> {
        guard row < places.count else { return 0..<0 }
        let place = places[row]
        return Int(place.start)..<Int(place.start) + Int(place.count)
    }

    @inlinable
    public subscript(place: Int) -> Int32 { numbers[place] }

    @inlinable
    public subscript(row row: Int) -> ArraySlice<Int32> { numbers[range(of: row)] }

    @inlinable
    public func isEmpty(row: Int) -> Bool { row >= places.count || places[row].count == 0 }

    /// Calls `body` with the row's list.
    @inlinable
    public func with<Result>(row: Int, _ body: (Span<Int32>) -> Result) -> Result {
        body(numbers.span.extracting(range(of: row)))
    }

    public mutating func set(_ list: [Int32], of row: Int) { set(list[...], of: row) }

    public mutating func set(_ list: ArraySlice<Int32>, of row: Int) {
        reach(row)
        let place = places[row]
        if list.count <= Int(place.room) {
            for index in list.indices { numbers[Int(place.start) + index - list.startIndex] = list[index] }
            places[row].count = Int32(list.count)
            return
        }
        lost += Int(place.room)
        places[row] = Place(start: Int32(numbers.count), count: Int32(list.count))
        numbers += list
        if lost > 1_024, lost > numbers.count / 2 { pack() }
    }

    /// Sets the lists of rows in their order, which is quicker than one by one.
    public mutating func replaceAll(with list: (_ row: Int, _ numbers: inout [Int32]) -> Void) {
        var all = RowLists()
        all.numbers.reserveCapacity(numbers.count - lost)
        all.places.reserveCapacity(places.count)
        for row in places.indices {
            let start = all.numbers.count
            list(row, &all.numbers)
            all.places.append(Place(start: Int32(start), count: Int32(all.numbers.count - start)))
        }
        self = all
    }

    private mutating func reach(_ row: Int) {
        guard row >= places.count else { return }
        places.append(contentsOf: repeatElement(Place(), count: row + 1 - places.count))
    }

    private mutating func pack() {
        var packed: [Int32] = []
        packed.reserveCapacity(numbers.count - lost)
        for row in places.indices {
            let list = numbers[range(of: row)]
            places[row] = Place(start: Int32(packed.count), count: Int32(list.count))
            packed += list
        }
        (numbers, lost) = (packed, 0)
    }

    public static func == (left: RowLists, right: RowLists) -> Bool {
        (0..<max(left.rowEnd, right.rowEnd)).allSatisfy { left[row: $0] == right[row: $0] }
    }
}
