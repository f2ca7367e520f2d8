import Testing

@testable import ContentVectors

@Suite("Embedding of words")
struct TextEmbeddingTests {
    private let embedding = TextEmbedding(seed: 1)

    private func cosine(_ left: String, _ right: String) -> Float {
        zip(embedding.embed(left).dense, embedding.embed(right).dense).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test("every text has a vector of length 1, whatever it is made of")
    func unitLength() {
        let texts = ["a", "children", "ко­т", "時間旅行", "🎬", "a b c", String(repeating: "long ", count: 60)]
        for text in texts {
            let vector = embedding.embed(text).dense
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(length - 1) < 1e-4, "\(text)")
        }
    }

    @Test("words that share letters or words lie nearer than those that do not")
    func neighbours() {
        #expect(cosine("animation", "animations") > 0.5)
        #expect(cosine("kids and family", "family") > cosine("kids and family", "murder") + 0.1)
        #expect(abs(cosine("animation", "murder")) < 0.2)
    }

    @Test("another seed embeds otherwise, the same alike")
    func seeded() {
        #expect(embedding.embed("drama") == TextEmbedding(seed: 1).embed("drama"))
        #expect(embedding.embed("drama") != TextEmbedding(seed: 2).embed("drama"))
    }

    @Test("tags are compared in lower case, without blanks around")
    func normalised() {
        #expect(TextEmbedding.normalised("  Sci-Fi ") == "sci-fi")
        #expect(TextEmbedding.normalised(" \t") == nil)
        #expect(TextEmbedding.normalised("") == nil)
    }
}
