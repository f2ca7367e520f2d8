/// Tags' mean: of what their letters say, and which they are.
package struct TagMean: Sendable, Equatable {
    /// Of `TextEmbedding.dimensions` numbers.
    package var letters: [Float]
    /// Of the tags, each of which counts the same.
    package var keys: [UInt64]

    package init(letters: [Float], keys: [UInt64] = []) { (self.letters, self.keys) = (letters, keys) }
}
