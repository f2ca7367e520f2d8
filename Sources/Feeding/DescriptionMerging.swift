package import Events

/// What several files say of one item or user, as one: a later file's tags come beside those of the files before it, where
/// within one file the later line stands in place of the earlier one.
package struct DescriptionMerging {
    /// The files that described each one last.
    private var items: [EntityID: Int] = [:]
    private var users: [EntityID: Int] = [:]

    package init() {}

    /// - Parameter file: counts the files in the order given.
    package mutating func merged(_ event: Event, ofFile file: Int) -> Event {
        var event = event
        switch event.kind {
        case .item(var description):
            guard let tags = description.tags else { return event }
            let before = items.updateValue(file, forKey: description.item)
            guard let before, before != file else { return event }
            description.addedTags = tags + (description.addedTags ?? [])
            description.tags = nil
            event.kind = .item(description)
        case .user(var description):
            guard let tags = description.tags else { return event }
            let before = users.updateValue(file, forKey: description.user)
            guard let before, before != file else { return event }
            description.addedTags = tags + (description.addedTags ?? [])
            description.tags = nil
            event.kind = .user(description)
        default: break
        }
        return event
    }
}
