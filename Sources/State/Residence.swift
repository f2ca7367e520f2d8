internal import Factors

/// Which users of a shard are in memory, and where: of a state with a limit on its memory. One without has none of these,
/// and each user stands at the place of the user's number.
///
/// A user has a number in the shard (row div shards) for good, and a place in its columns while in memory. Who left has a
/// ticket instead, another one each time, by which a look-up knows that what it has read of the file is of now.
///
/// Written on the shard's queue while it holds the user's lock, and grown under all locks; so the queue reads without, and a
/// look-up under the user's lock. That is what `@unchecked Sendable` stands on.
@usableFromInline
package final class Residence: @unchecked Sendable {
    /// By number.
    private let standings = ItemColumn<Int32>()
    /// By number, of those who left: the ordinal of the last event.
    private let lastEvents = ItemColumn<Int64>()
    /// By place; below 0 where nobody stands.
    private let numbers = ItemColumn<Int32>()
    /// Places where nobody stands, the next to be taken last.
    private var free: [Int32] = []
    /// Places of users who were erased while a checkpoint was being written that has yet to come to them.
    private var held: [Int32] = []
    /// A checkpoint is being written.
    var isFrozen = false
    /// Users in memory, and those who left.
    private(set) var residents = 0
    private(set) var away = 0

    private static let nobody: Int32 = -1

    init() {}

    var bytes: Int {
        standings.bytes + lastEvents.bytes + numbers.bytes
            + (free.capacity + held.capacity) * MemoryLayout<Int32>.stride
    }

    /// Numbers there are.
    var count: Int { standings.count }

    /// -1 where the user is not in memory.
    @usableFromInline
    func place(_ number: Int) -> Int {
        number < standings.count ? Int(max(Self.nobody, standings[number])) : -1
    }

    /// Of the user who stands at a place; -1 for nobody.
    @usableFromInline
    func number(_ place: Int) -> Int { Int(numbers[place]) }

    /// All numbers by place, for who may not look at them later.
    var allNumbers: [Int32] { numbers.withValues { Array($0) } }

    /// Of a user who left; `nil` for any other.
    func ticket(_ number: Int) -> Int32? {
        guard number < standings.count, standings[number] < Self.nobody else { return nil }
        return -2 - standings[number]
    }

    /// Of a user who left.
    func lastEvent(_ number: Int) -> Int64 { lastEvents[number] }

    var hasRoom: Bool { !free.isEmpty }

    // MARK: - Under all locks

    func grow(numbers count: Int) {
        standings.grow(to: count, with: Self.nobody)
        lastEvents.grow(to: count, with: 0)
    }

    func grow(places count: Int) {
        let old = numbers.count
        numbers.grow(to: count, with: Self.nobody)
        free += (Int32(old)..<Int32(max(old, count))).reversed()
    }

    // MARK: - Under the user's lock

    /// A place for the user, who comes or comes back.
    func enter(_ number: Int) -> Int {
        let place = free.removeLast()
        if standings[number] < Self.nobody { away -= 1 }
        standings[number] = place
        numbers[Int(place)] = Int32(number)
        residents += 1
        return Int(place)
    }

    func leave(_ number: Int, ticket: Int32, lastEvent: Int64) {
        giveUp(Int(standings[number]))
        note(number, ticket: ticket, lastEvent: lastEvent)
    }

    /// Of a user who was never in memory.
    func note(_ number: Int, ticket: Int32, lastEvent: Int64) {
        standings[number] = -2 - ticket
        lastEvents[number] = lastEvent
        away += 1
    }

    func erase(_ number: Int) {
        let place = standings[number]
        standings[number] = Self.nobody
        residents -= 1
        if isFrozen {
            held.append(place)
        } else {
            numbers[Int(place)] = Self.nobody
            free.append(place)
        }
    }

    private func giveUp(_ place: Int) {
        numbers[place] = Self.nobody
        free.append(Int32(place))
        residents -= 1
    }

    /// No checkpoint is being written any more.
    func releaseHeld() {
        isFrozen = false
        for place in held { numbers[Int(place)] = Self.nobody }
        free += held
        held = []
    }
}
