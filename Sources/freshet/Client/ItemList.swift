import RESP
import Reporting
import Wording

/// Items with scores, as look-ups answer them, joined with the items' titles and tags.
struct ItemList: Equatable {
    struct Entry: Equatable {
        var item: String
        var score: RESPValue
        var title: String?
        var tags: [String] = []
    }

    var entries: [Entry]

    /// From an answer `WITHSCORES`: id and score alternate.
    init(alternating answer: RESPValue) throws {
        guard case .array(let values) = answer, values.count.isMultiple(of: 2) else {
            throw DaemonError(description: "answer is no list of items and scores: \(answer.plainText)")
        }
        entries = stride(from: 0, to: values.count, by: 2).map {
            Entry(item: values[$0].plainText, score: values[$0 + 1])
        }
    }

    /// From an answer that gives one value an item, in the order asked.
    init(items: [String], answer: RESPValue) throws {
        guard case .array(let values) = answer, values.count == items.count else {
            throw DaemonError(description: "answer is not one value an item: \(answer.plainText)")
        }
        entries = zip(items, values).map { Entry(item: $0, score: $1) }
    }

    /// Asks for all titles and tags at once; an item that is not described has none.
    mutating func addTitles(from client: RPCClient) throws {
        for entry in entries { try client.send(["ITEM.GET", entry.item]) }
        for index in entries.indices {
            let item = try client.receive()
            entries[index].title = item["title"]?.string
            if case .array(let tags)? = item["tags"] { entries[index].tags = tags.compactMap(\.string) }
        }
    }

    func value(scoreName: String) -> RESPValue {
        .array(
            entries.enumerated().map { index, entry in
                .map([
                    (.text("rank"), .integer(Int64(index + 1))), (.text("item"), .text(entry.item)),
                    (.text("title"), entry.title.map(RESPValue.text) ?? .null),
                    (.text("tags"), .array(entry.tags.map(RESPValue.text))), (.text(scoreName), entry.score),
                ])
            })
    }

    func json(scoreName: String) throws -> String { try JSONText.line(value(scoreName: scoreName)) }

    /// For things that have no titles.
    func json(of thing: String) throws -> String {
        let values = entries.enumerated().map { index, entry in
            RESPValue.map([
                (.text("rank"), .integer(Int64(index + 1))), (.text(thing), .text(entry.item)),
                (.text("score"), entry.score),
            ])
        }
        return try JSONText.line(.array(values))
    }

    func table(of thing: String, scoreName: String) -> String {
        var table = Table([
            Table.Column(title: "rank", alignment: .right), Table.Column(title: thing, widthMax: 40),
            Table.Column(title: scoreName, alignment: .right),
        ])
        for (index, entry) in entries.enumerated() {
            table.append(["\(index + 1)", entry.item, entry.score.plainText])
        }
        return table.text
    }

    /// With the tags, where any item has some.
    func table(scoreName: String) -> String {
        let hasTags = entries.contains { !$0.tags.isEmpty }
        var table = Table(
            [
                Table.Column(title: "rank", alignment: .right), Table.Column(title: "item", widthMax: 40),
                Table.Column(title: "title"),
            ] + (hasTags ? [Table.Column(title: "tags", widthMax: 40)] : [])
                + [Table.Column(title: scoreName, alignment: .right)])
        for (index, entry) in entries.enumerated() {
            let tags = hasTags ? [entry.tags.joined(separator: ", ")] : []
            table.append(["\(index + 1)", entry.item, entry.title ?? ""] + tags + [entry.score.plainText])
        }
        return table.text
    }

    /// Joins the titles and prints.
    func show(from client: RPCClient, scoreName: String, asJSON: Bool) throws {
        var list = self
        try list.addTitles(from: client)
        Terminal.write(asJSON ? try list.json(scoreName: scoreName) : list.table(scoreName: scoreName))
    }
}
