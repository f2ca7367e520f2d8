package import Histories

/// What few users have.
package struct UserExtras {
    /// Items that the user never wants to see.
    package var hidden: HiddenItems
    package var marks: TimedMarks
    /// What is said of the user beside what the user did.
    package var tags: UserTags

    package init(
        hidden: HiddenItems = HiddenItems(), marks: TimedMarks = TimedMarks(), tags: UserTags = UserTags()
    ) {
        (self.hidden, self.marks, self.tags) = (hidden, marks, tags)
    }

    var isEmpty: Bool { hidden.rows.isEmpty && marks.isEmpty && tags.isEmpty }

    /// Bytes on the heap.
    var bytes: Int {
        AllocatedBytes.ofArray(hidden.rows.capacity * MemoryLayout<Int32>.stride) + marks.bytes + tags.bytes
    }
}

/// The same on the heap, so that it takes one word of those who have none. Shared by copies of a user until one of them changes.
@usableFromInline
final class UserExtrasBox {
    fileprivate(set) var extras: UserExtras

    fileprivate init(_ extras: UserExtras) { self.extras = extras }

    /// Bytes on the heap.
    var bytes: Int {
        // Beside the object's own two words.
        AllocatedBytes.ofBlock(2 * MemoryLayout<Int>.size + MemoryLayout<UserExtras>.size) + extras.bytes
    }
}

extension UserState {
    /// To read it allocates nothing, and what is changed of it changes in place.
    package var extras: UserExtras {
        get { box?.extras ?? UserExtras() }
        set { box = newValue.isEmpty ? nil : UserExtrasBox(newValue) }
        _modify {
            let own = ownBox()
            defer { if own.extras.isEmpty { box = nil } }
            yield &own.extras
        }
    }

    package var hidden: HiddenItems {
        get { box?.extras.hidden ?? HiddenItems() }
        _modify { yield &extras.hidden }
    }

    package var marks: TimedMarks {
        get { box?.extras.marks ?? TimedMarks() }
        _modify { yield &extras.marks }
    }

    package var tags: UserTags {
        get { box?.extras.tags ?? UserTags() }
        _modify { yield &extras.tags }
    }

    /// One that no copy of the user has.
    private mutating func ownBox() -> UserExtrasBox {
        if isKnownUniquelyReferenced(&box), let box { return box }
        let own = UserExtrasBox(extras)
        box = own
        return own
    }
}
