import EngineSupport
import Events
import Histories
import Testing

@testable import State

@Suite("A user as a shard keeps it")
struct UserStateTests {
    private func described() -> UserState {
        var user = UserState(id: id("u"))
        for item in [Int32(7), 3, 9] { user.hidden.insert(item) }
        user.marks.set(.hiding, 7, to: 70)
        user.tags = UserTags(TagList(["calm", "a tag that is too long for the value itself"], time: 5))
        return user
    }

    /// Where the hidden items lie.
    private func address(_ user: UserState) -> UnsafePointer<Int32>? {
        user.hidden.rows.withUnsafeBufferPointer(\.baseAddress)
    }

    @Test("is small, because there are many")
    func stride() { #expect(MemoryLayout<UserState>.stride == 96) }

    @Test("what few have costs the others nothing, however it is read and changed back")
    func nothing() {
        var user = UserState(id: id("u"))
        #expect(user.hidden.rows.isEmpty && user.marks.isEmpty && user.tags.isEmpty)
        #expect(!user.hasExtras && user.heapBytes == 0)
        user.hidden.remove(3)
        user.marks.set(.opinion, 3, to: nil)
        user.tags = UserTags()
        user.extras = UserExtras()
        #expect(!user.hasExtras && user.heapBytes == 0)
    }

    @Test("a copy keeps what it has when the other changes")
    func values() {
        let first = described()
        var second = first
        second.hidden.insert(4)
        second.marks.set(.opinion, 1, to: 10)
        second.tags = UserTags(TagList(["other"], time: 6))
        #expect(first.hidden.rows == [3, 7, 9] && second.hidden.rows == [3, 4, 7, 9])
        #expect(first.marks.time(of: .opinion, 1) == nil && second.marks.time(of: .opinion, 1) == 10)
        #expect(first.marks.time(of: .hiding, 7) == 70 && second.marks.time(of: .hiding, 7) == 70)
        #expect(first.tags.list.tags.count == 2 && second.tags.list.tags == ["other"])
        var third = first
        third.extras = UserExtras()
        #expect(!third.hasExtras && first.hasExtras && first.hidden.rows.count == 3)
        third = first
        third.hidden = second.hidden
        #expect(third.hidden == second.hidden && third.marks == first.marks)
    }

    @Test("once all is taken back nothing is left on the heap")
    func emptied() {
        var user = described()
        let full = user.heapBytes
        #expect(full >= 48 + user.extras.bytes && user.extras.bytes > 3 * 4 + 16 + 2 * 16)
        for item in user.hidden.rows { user.hidden.remove(item) }
        #expect(user.hasExtras && user.hidden.rows.isEmpty)
        user.tags = UserTags()
        #expect(user.hasExtras && user.heapBytes < full)
        user.marks.set(.hiding, 7, to: nil)
        #expect(!user.hasExtras && user.heapBytes == 0)
        // And begins anew.
        user.hidden.insert(1)
        #expect(user.hidden.rows == [1] && user.marks.isEmpty)
    }

    @Test("changes in place what no copy shares")
    func inPlace() {
        var user = described()
        for item in Int32(10)..<40 {
            let (before, hadRoom) = (address(user), user.hidden.rows.capacity > user.hidden.rows.count)
            user.hidden.insert(item)
            if hadRoom { #expect(address(user) == before) }
        }
        let copy = user
        user.marks.set(.hiding, 8, to: 80)
        #expect(address(user) == address(copy), "of what the copies still agree in there is one")
        user.hidden.insert(40)
        #expect(address(user) != address(copy) && copy.hidden.rows.count == 33)
    }

    @Test("counts ratings up to what 32 bits hold")
    func ratings() {
        var user = UserState(id: id("u"))
        user.ratings += 3
        user.ratings -= 1
        #expect(user.ratings == 2)
        user.ratings = .max
        #expect(user.ratings == Int(Int32.max))
        user.ratings += 1
        #expect(user.ratings == Int(Int32.max))
    }
}
