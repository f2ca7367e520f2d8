package import Factors

/// Vectors of items by what is said of them, learned as descriptions come.
///
/// A description gives one triplet at once and owes some more, which are learned a few at a time as the stream goes on. Every
/// `TripletBlock.most` triplets are one step of the map. All of it is a function of the descriptions' order and of the keys of
/// the draws.
/// Look-ups are shown the map as it was at some step (`shown`), with which all vectors are worked out, and anew each time
/// that it has learned a quarter more, of many items less often: vectors of two maps cannot be compared.
package struct ContentVectors: Sendable {
    /// Numbers of an item's vector, zeros at its end included.
    package static let width = TripletModel.width
    /// One more step is taken for so many items before the map is shown anew.
    private static let rowsPerStep = 512
    /// All triplets but one in so many have a tag for their anchor, which the positive carries and is taken without: so
    /// that words find items that are about them and do not say them.
    private static let byItemOneIn = 4

    package struct Counts: Sendable, Equatable {
        /// Triplets learned, those of the unfinished block included.
        package var triplets = 0
        /// Triplets still to be learned of the descriptions that came.
        package var owed = 0
        /// Steps of the map when it was shown.
        package var shownSteps = 0
        /// Blocks that were left out because their gradient was not finite.
        package var rejected = 0
    }

    /// An item-like anchor; or, with `tag`, the words of that tag, which the positive is taken without.
    struct Pending: Sendable, Equatable {
        var triplet: TripletChoice.Triplet
        /// The key of a tag of the positive.
        var tag: UInt64?
    }

    package let options: ContentOptions
    /// Of every draw, and of the embedding.
    let savedSeed: UInt64
    package private(set) var book: TagBook
    package private(set) var counts = Counts()
    private(set) var model: TripletModel
    /// With which vectors are worked out.
    package private(set) var shown: ContentMap
    private(set) var pending: [Pending] = []
    private var choice = TripletChoice()
    /// Rows whose vectors are to be worked out; all of them where the map is another.
    private var changed: [Int32] = []
    private var allChanged = false
    /// Differs from what was saved; and so does the map that is shown.
    private var isUnsaved = false
    private var isShownUnsaved = true
    package let embedding: TextEmbedding
    /// z by item row; its bias is the length before it was made 1, so that W x + b is to be had.
    package let table = FactorTable(factors: TripletModel.width)

    package init(options: ContentOptions, seed: UInt64) {
        self.options = options
        savedSeed = seed
        embedding = TextEmbedding(seed: seed)
        book = TagBook(embedding: embedding)
        model = TripletModel(seed: seed)
        shown = model.map
    }

    package var bytes: Int {
        book.bytes + choice.bytes + table.bytes + TripletModel.bytes
            + model.map.own.bytes + shown.bytes + changed.capacity * 4
    }

    package var steps: Int { model.steps }

    /// Whether anything was ever said of any item.
    package var isEmpty: Bool { counts.triplets == 0 && counts.owed == 0 && book.rowEnd == 0 }

    // MARK: - Learning

    /// Takes over what an item is tagged with now, and learns from it.
    ///
    /// - Parameter random: keyed by the description's place in the log.
    package mutating func describe(_ row: Int, tags: [String], random: KeyedRandom) {
        let isNews = place(row, tags: tags)
        guard !book.tags(of: row).isEmpty else { return }
        isUnsaved = true
        // Who says the same again teaches no more than that.
        if isNews { counts.owed += max(0, options.passes - 1) }
        learn(anchor: Int32(row), random: random)
    }

    /// Takes over what an item is tagged with, and learns nothing: for what a saved state holds.
    ///
    /// - Returns: whether that is anything new.
    @discardableResult
    package mutating func place(_ row: Int, tags: [String]) -> Bool {
        guard book.set(tags, of: row, map: shown) else { return false }
        changed.append(Int32(row))
        return true
    }

    /// An event of the stream was applied.
    ///
    /// - Parameter ordinal: its number over the whole life of the state.
    @inline(__always)
    package mutating func advance(to ordinal: Int64) {
        if counts.owed > 0, ordinal % Int64(options.refreshEvents) == 0 { learnOwed(ordinal) }
    }

    private mutating func learnOwed(_ ordinal: Int64) {
        guard !book.rows.isEmpty else { return }
        var random = KeyedRandom(seed: savedSeed, stream: 0x6F77_6564, index: UInt64(bitPattern: ordinal))
        isUnsaved = true
        for _ in 0..<min(options.refresh, counts.owed) {
            counts.owed -= 1
            let anchor = book.rows[random.next(below: book.rows.count)]
            learn(anchor: anchor, random: KeyedRandom(seed: random.next()))
        }
        // What came last is shown, too.
        if counts.owed == 0 { show() }
    }

    private mutating func learn(anchor: Int32, random: KeyedRandom) {
        var random = random
        let isByItem = random.next(below: Self.byItemOneIn) == 0
        let byTag = isByItem ? nil : byTag(anchor, random: &random)
        guard let next = byTag ?? byItem(anchor, random: &random) else { return }
        counts.triplets += 1
        pending.append(next)
        if pending.count >= TripletBlock.most { learnPending() }
    }

    private mutating func byItem(_ anchor: Int32, random: inout KeyedRandom) -> Pending? {
        choice.triplet(anchor, in: book, random: &random).map { Pending(triplet: $0) }
    }

    private mutating func byTag(_ row: Int32, random: inout KeyedRandom) -> Pending? {
        let tags = book.rareFirst(Int(row))
        guard tags.count > 1 else { return nil }
        let tag = tags[random.next(below: tags.count)]
        for _ in 0..<16 {
            let other = book.rows[random.next(below: book.rows.count)]
            guard !book.tags(of: Int(other)).contains(tag) else { continue }
            return Pending(
                triplet: .init(anchor: row, positive: row, negative: other), tag: book.tags[Int(tag)].key)
        }
        return nil
    }

    private mutating func learnPending() {
        let block = block(of: pending)
        pending.removeAll(keepingCapacity: true)
        guard model.learn(block) != nil else {
            counts.rejected += 1
            return
        }
        // With many items seldom at first, too: all of them are worked out anew then, and events wait for it.
        let wait = max(counts.shownSteps / 4, book.rowEnd / Self.rowsPerStep)
        if model.steps - counts.shownSteps > wait { show() }
    }

    /// As the items are described now: those of which one is not any more are left out.
    private func block(of pending: [Pending]) -> TripletBlock {
        var (block, learned) = (TripletBlock(), [Pending]())
        for next in pending where append(next, to: &block) { learned.append(next) }
        block.compare { triplet, other, asNegative in
            let row = asNegative ? learned[other].triplet.negative : learned[other].triplet.positive
            return isLike(learned[triplet], Int(row))
        }
        return block
    }

    private func append(_ pending: Pending, to block: inout TripletBlock) -> Bool {
        let triplet = pending.triplet
        guard let negative = book.input(of: Int(triplet.negative)) else { return false }
        guard let key = pending.tag else {
            guard let anchor = book.input(of: Int(triplet.anchor)),
                let positive = book.input(of: Int(triplet.positive))
            else { return false }
            block.append(anchor: anchor, positive: positive, negative: negative)
            return true
        }
        guard let tag = book.tag(of: key, on: Int(triplet.positive)),
            let positive = book.input(of: Int(triplet.positive), without: tag)
        else { return false }
        // Half of the anchors are their letters alone, so that letters say something by themselves: of words never seen there
        // is nothing else. A function of the pair, as it is learned of what was saved, too.
        let isKnown = KeyedRandom.mix(key ^ UInt64(triplet.positive)) & 1 == 0
        let anchor = TagMean(letters: book.tags[Int(tag)].vector.dense, keys: isKnown ? [key] : [])
        block.append(anchor: anchor, positive: positive, negative: negative)
        return true
    }

    /// Whether the row carries the anchor's tag, or shares one with it.
    private func isLike(_ pending: Pending, _ row: Int) -> Bool {
        if let key = pending.tag { return book.tag(of: key, on: row) != nil }
        return book.sharedTags(Int(pending.triplet.anchor), row, upTo: 1) > 0
    }

    // MARK: - Showing

    private mutating func show() {
        guard counts.shownSteps < model.steps else { return }
        counts.shownSteps = model.steps
        if model.map.own.isFull { model.forgetTags(but: book.keysInUse) }
        (shown, isShownUnsaved) = (model.map, true)
        book.project(with: shown)
        allChanged = true
    }

    /// Works out the vectors of `table` that have changed since the last call.
    ///
    /// - Returns: their rows; a row without tags is zero.
    package mutating func workOut() -> [Int32] {
        guard allChanged || !changed.isEmpty else { return [] }
        table.grow(to: book.rowEnd) { _, _ in }
        let rows = allChanged ? (0..<Int32(book.rowEnd)).map { $0 } : changed
        (allChanged, changed) = (false, [])
        let bias = shown.bias
        for row in rows { workOut(Int(row), bias: bias) }
        return rows
    }

    private func workOut(_ number: Int, bias: [TripletModel.Lane]) {
        let row = table.row(number)
        guard let projected = book.projected(number, bias: bias), let (unit, length) = Self.unit(projected)
        else {
            return table.erase(number)
        }
        for lane in row.indices { row[lane] = unit[lane] }
        row.bias = length
    }

    /// `nil` for what has no direction.
    static func unit(_ vector: [TripletModel.Lane]) -> (unit: [TripletModel.Lane], length: Float)? {
        var sum = TripletModel.Lane.zero
        for lane in vector { sum = sum + lane * lane }
        let length = sum.sum().squareRoot()
        guard length > 1e-6, length.isFinite else { return nil }
        return (vector.map { $0 / length }, length)
    }

    /// With which words are turned into vectors that compare with those of `table`.
    package var words: WordMap { WordMap(embedding: embedding, map: shown) }

    // MARK: - Saving

    /// By name, what is to be saved and was not yet.
    package mutating func takeUnsaved() -> [String: [UInt8]] {
        guard isUnsaved else { return [:] }
        defer { (isUnsaved, isShownUnsaved) = (false, false) }
        // Of the map that is shown there is as much again, and it changes seldom.
        return isShownUnsaved ? blobs : blobsOfLearning
    }

    package mutating func markUnsaved() { (isUnsaved, isShownUnsaved) = (true, true) }

    /// Takes over what was saved; once the tags of all items are placed.
    ///
    /// - Parameter isOlder: whether it was saved in a layout of before, so that all of it is to be saved again.
    mutating func restore(
        _ model: TripletModel, shown: ContentMap, counts: Counts, pending: [Pending], isOlder: Bool
    ) {
        (self.model, self.shown, self.counts, self.pending) = (model, shown, counts, pending)
        book.project(with: shown)
        (allChanged, isUnsaved, isShownUnsaved) = (true, false, isOlder)
    }
}

/// How words become a vector that compares with items'. A value.
package struct WordMap: Sendable {
    fileprivate let embedding: TextEmbedding
    fileprivate let map: ContentMap

    /// z of somebody who is tagged with these; `nil` where no word has a letter, or they have no direction.
    package func vector(of words: [String]) -> [Float]? {
        let tags = words.compactMap(TextEmbedding.normalised)
        guard !tags.isEmpty else { return nil }
        var sum = map.bias
        for tag in tags {
            let image = map.image(embedding.embed(tag), of: TagBook.key(of: tag))
            for lane in sum.indices { sum[lane] = sum[lane] + image[lane] / Float(tags.count) }
        }
        guard let (unit, _) = ContentVectors.unit(sum) else { return nil }
        return unit.flatMap { lane in (0..<8).map { lane[$0] } }
    }
}
