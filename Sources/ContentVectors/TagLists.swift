/// The tags of each item, one list behind the other: to compare two of them costs no more than to read them, where an array for
/// each item would be taken hold of and let go at each look.
struct TagLists: Sendable {
    private struct Place {
        var start: Int32 = 0
        var count: UInt16 = 0
        var room: UInt16 = 0
    }

    private var places: [Place] = []
    private var numbers: [Int32] = []
    /// Room that belongs to no list any more.
    private var lost = 0

    /// One past the last row that ever had a list.
    var rowEnd: Int { places.count }

    var bytes: Int {
        places.capacity * MemoryLayout<Place>.stride + numbers.capacity * MemoryLayout<Int32>.stride
    }

    /// Where the row's list stands in `self[place]`.
    func range(of row: Int) -> Range<Int> {
        guard row < places.count else { return 0..<0 }
        let place = places[row]
        return Int(place.start)..<Int(place.start) + Int(place.count)
    }

    subscript(place: Int) -> Int32 { numbers[place] }

    subscript(row row: Int) -> ArraySlice<Int32> { numbers[range(of: row)] }

    mutating func set(_ list: [Int32], of row: Int) {
        if row >= places.count {
            places.append(contentsOf: repeatElement(Place(), count: row + 1 - places.count))
        }
        let place = places[row]
        if list.count <= Int(place.room) {
            for (index, number) in list.enumerated() { numbers[Int(place.start) + index] = number }
            places[row].count = UInt16(list.count)
            return
        }
        lost += Int(place.room)
        places[row] = Place(
            start: Int32(numbers.count), count: UInt16(list.count), room: UInt16(list.count))
        numbers += list
        if lost > 1024, lost > numbers.count / 2 { pack() }
    }

    private mutating func pack() {
        var packed: [Int32] = []
        packed.reserveCapacity(numbers.count - lost)
        for row in places.indices {
            let list = numbers[range(of: row)]
            places[row].start = Int32(packed.count)
            places[row].room = places[row].count
            packed += list
        }
        (numbers, lost) = (packed, 0)
    }
}
