internal import ArgumentParser
internal import BenchmarkSupport
internal import ContentEvaluation
internal import ContentVectors
internal import Foundation

/// Judges vectors of content on MovieLens, beside what needs no learning.
struct ContentBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "content",
        abstract:
            "Whether vectors of tags are any good: triplets told apart, hidden tags found, a search by words.",
        discussion: """
            On the films of ml-latest-small with their genres and key words:

              triplets    ROC-AUC of positives against negatives by cosine, before and after learning, beside tags in \
            common, of which positives and negatives are made: the last tenth of all triplets, and triplets among \
            the last tenth of the films, which stand in no learned one
              hidden      one tag of a film is hidden from all, and searched for: how often the film is among the \
            first ten that do not show the tag (among all), as the daemon learns
              search      what 'Children family animation' finds, as the daemon learns

            EXAMPLES
              swift run -c release freshet-bench content ../shared/data
            """)

    @Argument(help: "The folder that holds ml-latest-small and movieId_genres_keywords.csv.gz.")
    var folder: String
    @Option(help: "Keys embeddings, first weights and draws.") var seed: UInt64 = 1
    @Option(help: "Films of which a tag is hidden.") var hidden = 2_000

    private static let query = ["Children", "family", "animation"]
    /// Those that the notebook whose search this is finds first, by other tags.
    private static let expected = ["4090", "5539", "4519", "5538", "89586", "6251"]

    func run() throws {
        let data = URL(filePath: folder)
        let ids = try ContentCorpus.ids(in: data.appending(path: "ml-latest-small/movies.csv").path)
        let corpus = try ContentCorpus(
            keywordFile: data.appending(path: "movieId_genres_keywords.csv.gz").path, ids: ids)
        Report.say("\(corpus.items.count) films, \(Set(corpus.items.flatMap(\.tags)).count) tags")
        separate(corpus)
        findHidden(corpus)
        search(corpus)
    }

    private func separate(_ corpus: ContentCorpus) {
        let trial = SeparationTrial(corpus, seed: seed)
        var count = 0
        let time = seconds(runs: 1) { count = trial.triplets().count }
        Report.say(String(format: "\n%d triplets of all films chosen in %.2f s", count, time))
        for (name, result) in [
            ("last tenth of the triplets", trial.amongAll()),
            ("films in no learned triplet", trial.amongUnseen()),
        ] {
            Report.say(
                String(
                    format:
                        "  %@ (%d learned, %d tested): ROC-AUC before %.4f, after %.4f, tags in common %.4f",
                    name,
                    result.trained, result.tested, result.before, result.after, result.overlap))
        }
    }

    private func findHidden(_ corpus: ContentCorpus) {
        let trial = HiddenTagTrial(corpus, count: hidden, seed: seed)
        Report.say("\n\(trial.count) hidden tags, searched for: recall@10 of the film")
        for result in trial.results() {
            let name = result.name.padding(toLength: 22, withPad: " ", startingAt: 0)
            Report.say(
                String(
                    format: "  %@ %.4f (among all %.4f), lead %+.4f ± %.4f", name, result.recall,
                    result.recallAmongAll, result.lead, result.interval))
        }
    }

    private func search(_ corpus: ContentCorpus) {
        var learned: ContentVectors?
        let time = seconds(runs: 1) { learned = corpus.learned(seed: seed) }
        guard let learned else { return }
        Report.say(
            String(
                format:
                    "\nlearned as the daemon does: %d triplets, %d steps, %.2f s, %.1f µs a triplet, %.1f MB",
                learned.counts.triplets, learned.steps, time,
                time * 1e6 / Double(max(1, learned.counts.triplets)),
                Double(learned.bytes) / 1e6))
        let trial = WordSearchTrial(corpus, learned)
        let ranking = trial.ranking(of: Self.query)
        for row in ranking.prefix(10) {
            let item = corpus.items[row]
            Report.say("  \(item.id) \(item.title): \(item.tags.prefix(8).joined(separator: ", "))")
        }
        let wanted = Set(["animation", "children"])
        let both = corpus.items.map { wanted.isSubset(of: $0.tags) }
        let places = zip(Self.expected, trial.places(of: Self.expected, in: ranking)).map { id, place in
            "\(id) at \(place.map(String.init) ?? "none")"
        }
        Report.say("  of the six: \(places.joined(separator: ", "))")
        let count = both.count { $0 }
        for first in [10, 100, count] {
            let share = Double(ranking.prefix(first).count { both[$0] }) / Double(first)
            Report.say(
                String(
                    format:
                        "  of the first %d, %.0f %% carry both 'animation' and 'children', as %d films do",
                    first,
                    100 * share, count))
        }
    }
}
