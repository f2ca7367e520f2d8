internal import Checkpoints
internal import ContentVectors
internal import Foundation
internal import Locking

// Of vectors of tags the state file holds what was learned; who carries which tag it has with the items.
extension LearnedState {
    /// What changed since the last checkpoint.
    func takeContent() -> [String: Scalar] {
        content?.takeUnsaved().mapValues { .blob(Data($0)) } ?? [:]
    }

    /// Once all items are there.
    ///
    /// - Returns: false where what was saved is malformed.
    func restoreContent(_ saved: [String: Data]) -> Bool {
        guard content != nil else { return true }
        let tags = catalogue.read { $0.entries.map(\.tags) }
        for (row, tags) in tags.enumerated() where !tags.isEmpty { content?.place(row, tags: tags) }
        return content?.restore(saved) ?? true
    }
}
