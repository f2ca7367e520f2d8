import Factors
import Testing

@testable import State

@Suite("The window of recent events")
struct RecentEventsTests {
    /// What a window does, in plain words.
    private struct Plain {
        var capacity: Int
        private(set) var order: [UInt64] = []
        private var known: Set<UInt64> = []

        init(capacity: Int, _ order: [UInt64] = []) {
            self.capacity = capacity
            for fingerprint in order { _ = insert(fingerprint) }
        }

        mutating func insert(_ fingerprint: UInt64) -> Bool {
            guard known.insert(fingerprint).inserted else { return false }
            order.append(fingerprint)
            if order.count > capacity { known.remove(order.removeFirst()) }
            return true
        }
    }

    /// How fingerprints are drawn: as many different ones as a few windows hold, so that some come again in the window and
    /// some after it.
    enum Draw: CaseIterable {
        /// As those of events.
        case spread
        /// One home for all, one tag, and what is between them tells them apart: long clusters, far from home.
        case alike
        /// The same, of a home at the table's very end.
        case alikeAtTheEnd
        /// Homes side by side.
        case neighbours
        /// Three homes, at the table's beginning and its end; few tags.
        case fewHomes

        func fingerprint(_ number: Int) -> UInt64 {
            let number = UInt64(number)
            return switch self {
            case .spread: number &* 0x9E37_79B9_7F4A_7C15
            case .alike: 0xABCD << 48 | number << 20 | 5
            case .alikeAtTheEnd: 0xABCD << 48 | number << 20 | 0xF_FFFF
            case .neighbours: number
            case .fewHomes: ((number & 1) << 63 | (number >> 1) << 20 | number % 3) &- 1
            }
        }
    }

    @Test(
        "knows what a plain set and a list know",
        arguments: Draw.allCases, [1, 2, 3, 5, 16, 47, 48, 49, 63, 64, 65, 96, 97, 200, 384])
    func asPlain(draw: Draw, capacity: Int) {
        var random = KeyedRandom(seed: 31, stream: UInt64(capacity))
        var (window, plain) = (RecentEvents.Window(capacity: capacity), Plain(capacity: capacity))
        for _ in 0..<8 * capacity + 200 {
            let fingerprint = draw.fingerprint(random.next(below: 2 * capacity + 2))
            guard window.insert(fingerprint) == plain.insert(fingerprint) else {
                Issue.record("\(fingerprint) is known to one of the two")
                return
            }
        }
        #expect(window.inOrder == plain.order)
        #expect(plain.order.allSatisfy { !window.insert($0) })
    }

    @Test("restored and resized it knows the newest that fit", arguments: Draw.allCases)
    func resized(draw: Draw) {
        var random = KeyedRandom(seed: 32)
        var (recent, plain) = (RecentEvents(capacity: 100), Plain(capacity: 100))
        for round in 0..<60 {
            for _ in 0..<random.next(below: 300) {
                let fingerprint = draw.fingerprint(random.next(below: 250))
                #expect(recent.insert(fingerprint, of: 3) == plain.insert(fingerprint))
            }
            if round % 3 == 2 {
                let capacity = 1 + random.next(below: 200)
                recent.resize(to: capacity)
                plain = Plain(capacity: capacity, Array(plain.order.suffix(capacity)))
            } else if let window = recent.windows[3] {
                let restored = RecentEvents.Window(
                    capacity: window.capacity, ring: window.ring.blocks.joined(), total: window.total)
                #expect(restored.ring == window.ring)
                recent.set(restored, of: 3)
            }
            #expect(recent.windows[3]?.inOrder ?? [] == plain.order)
        }
    }

    @Test("forgets in the order in which things came, wherever they stand", arguments: Draw.allCases)
    func oldestFirst(draw: Draw) {
        let capacity = 90
        var window = RecentEvents.Window(capacity: capacity)
        func isNew(_ number: Int) -> Bool { window.insert(draw.fingerprint(number)) }
        for number in 0..<5 * capacity { #expect(isNew(number)) }
        for number in 4 * capacity..<5 * capacity { #expect(!isNew(number)) }
        // Each that comes back pushes out the oldest, which comes back next.
        for number in 4 * capacity..<5 * capacity {
            #expect(isNew(number - capacity))
            #expect(isNew(number))
            #expect(!isNew(number - capacity))
        }
    }

    @Test("tells fingerprints apart by all of their bits, and 0 is one like others")
    func allBits() {
        for base in [0, 0x9E37_79B9_7F4A_7C15] as [UInt64] {
            var window = RecentEvents.Window(capacity: 65)
            func isNew(_ fingerprint: UInt64) -> Bool { window.insert(fingerprint) }
            let all = [base] + (0..<64).map { base ^ 1 << UInt64($0) }
            for fingerprint in all { #expect(isNew(fingerprint)) }
            for fingerprint in all { #expect(!isNew(fingerprint)) }
            #expect(isNew(~base))
            #expect(isNew(base), "the oldest went")
        }
    }

    @Test("filled with the same by a damaged file it is sound once that has left", arguments: [1, 10, 1_000])
    func damaged(capacity: Int) {
        var random = KeyedRandom(seed: 33)
        var plain = Plain(capacity: capacity)
        var window = RecentEvents.Window(
            capacity: capacity, ring: Array(repeating: 0, count: capacity), total: capacity * 19 / 10)
        func isNew(_ fingerprint: UInt64) -> Bool { window.insert(fingerprint) }
        #expect(!isNew(0))
        for _ in 0..<capacity {
            let fingerprint = random.next()
            #expect(isNew(fingerprint) == plain.insert(fingerprint))
        }
        for _ in 0..<4 * capacity {
            let fingerprint =
                random.next(below: 2) == 0 ? random.next() : plain.order[random.next(below: capacity)]
            #expect(isNew(fingerprint) == plain.insert(fingerprint))
        }
        #expect(window.inOrder == plain.order)
    }

    @Test("takes 16 bytes a fingerprint, and is expected to")
    func bytes() {
        var (recent, random) = (RecentEvents(capacity: 65_536), KeyedRandom(seed: 34))
        for _ in 0..<100_000 { _ = recent.insert(random.next(), of: 0) }
        #expect((16 * 65_536...17 * 65_536).contains(recent.bytes))
        #expect(RecentEvents.expectedBytes(events: 100_000, capacity: 65_536) == 16 * 65_536)
    }
}
