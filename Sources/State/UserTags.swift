package import Events
internal import Foundation
internal import Histories

/// Tags of a user: one word beside the user while there are none, as of nearly all.
package struct UserTags: Sendable {
    private final class Held: Sendable {
        let list: TagList
        init(_ list: TagList) { self.list = list }
    }

    private var held: Held?

    package init(_ list: TagList = TagList()) { held = list.isEmpty ? nil : Held(list) }

    package var list: TagList { held?.list ?? TagList() }
    package var isEmpty: Bool { held == nil }

    /// Bytes on the heap.
    package var bytes: Int {
        guard let tags = held?.list.tags else { return 0 }
        return tags.reduce(
            AllocatedBytes.ofBlock(48) + AllocatedBytes.ofArray(tags.count * MemoryLayout<String>.stride)
        ) { $0 + AllocatedBytes.ofText($1) }
    }

    /// - Parameter text: as a state file keeps them, a JSON array of texts.
    /// - Returns: `nil` of what is no such array.
    init?(text: Data, time: Int64?) {
        if text.elementsEqual("[]".utf8), time == nil {
            self.init()
            return
        }
        guard let tags = try? JSONDecoder().decode([String].self, from: text) else { return nil }
        self.init(TagList(tags, time: time))
    }
}
