import ContentVectors
import Foundation
import Testing

@testable import ContentEvaluation

@Suite("Trials of content")
struct TrialTests {
    /// Films of one of four kinds, each with a few of its kind's words.
    private var corpus: ContentCorpus {
        ContentCorpus(
            (0..<240).map { row in
                let kind = row % 4
                let words = (0..<5).map { "word \(kind)-\((row * 7 + $0 * $0 * 3) % 11)" }
                return ContentCorpus.Item(id: "\(row)", title: "Film \(row)", tags: ["Kind \(kind)"] + words)
            })
    }

    @Test("ROC-AUC counts pairs, ties by half")
    func rocAUC() {
        #expect(ROCAUC.value(positives: [3, 4], negatives: [1, 2]) == 1)
        #expect(ROCAUC.value(positives: [1, 2], negatives: [3, 4]) == 0)
        #expect(ROCAUC.value(positives: [1, 1], negatives: [1, 1]) == 0.5)
        #expect(ROCAUC.value(positives: [1, 3], negatives: [2, 3]) == 0.625 - 0.25)
    }

    @Test("kinds that share nothing are told apart, by films in no learned triplet too")
    func separation() {
        let trial = SeparationTrial(corpus, seed: 1, epochs: 3)
        #expect(trial.triplets().count == 240)
        for result in [trial.amongAll(), trial.amongUnseen()] {
            #expect(result.overlap == 1)
            #expect(result.before > 0.95 && result.after > 0.95)
            #expect(result.tested == 24 && result.trained == 3 * 216)
        }
    }

    @Test(
        "a hidden tag is on no item that is learned, and vectors find its film more often than whole tags do")
    func hiddenTags() {
        let trial = HiddenTagTrial(corpus, count: 60, seed: 1)
        #expect(trial.count == 60)
        let results = trial.results()
        #expect(results.map(\.name).count == 4)
        let (words, tags, learned) = (results[0], results[1], results[3])
        #expect(words.lead == 0)
        #expect(learned.recall > tags.recall)
        #expect(results.allSatisfy { (0...1).contains($0.recall) && $0.recallAmongAll <= $0.recall })
    }

    @Test("a search finds the films that are about its words first")
    func search() {
        let corpus = corpus
        let trial = WordSearchTrial(corpus, corpus.learned(seed: 1))
        let ranking = trial.ranking(of: ["Kind 2"])
        #expect(ranking.count == 240)
        #expect(ranking.prefix(20).allSatisfy { $0 % 4 == 2 })
        #expect(trial.places(of: ["\(ranking[4])", "no film"], in: ranking) == [5, nil])
    }

    @Test("on MovieLens the learned vectors tell triplets apart as well as the notebook's do")
    func movieLens() throws {
        let data = "../shared/data"
        let path = data + "/movieId_genres_keywords.csv.gz"
        guard FileManager.default.fileExists(atPath: path) else {
            print("skipped: no data at \(path)")
            return
        }
        let ids = try ContentCorpus.ids(in: data + "/ml-latest-small/movies.csv")
        let corpus = try ContentCorpus(keywordFile: path, ids: ids)
        #expect(corpus.items.count > 9_000)
        let result = SeparationTrial(corpus, seed: 1, epochs: 3).amongAll()
        #expect(result.after >= 0.99)
    }
}
