internal import Checkpoints
internal import State

/// Rows of a state that no daemon would have written, as they come out of a file whose checksums are theirs: refused in words, or
/// taken, and then nothing in the state is no number, and learning goes on. Files themselves are tried by `StateTarget`.
struct RowTarget: FuzzTarget {
    private let base: StateBase

    init() throws {
        let file = try ScratchFile("rows.sqlite")
        // A few of each kind of row: what is read at each input is small.
        base = try StateBase(at: file.path, events: 12, then: 4)
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        var delta = base.delta
        var words: [String] = []
        for _ in 0...numbers.below(3) { words.append(DeltaDamage.change(&delta, &numbers)) }
        let input = Array(words.joined(separator: "; ").utf8)
        let state = LearnedState(options: base.options)
        do throws(StateError) {
            try delta.read(
                into: StateLoader(state: state, path: "a state in memory"), identity: base.identity)
        } catch {
            guard !error.message.isEmpty else {
                throw FuzzFinding(what: "refused without a word", input: input)
            }
            return (1, 0)
        }
        // It takes longer than all else together; drawn last, so that the input is the same.
        if let violation = base.violation(of: state, learns: numbers.happens(oneIn: 6)) {
            throw FuzzFinding(what: "it was read as a state in which \(violation)", input: input)
        }
        return (1, 1)
    }
}
