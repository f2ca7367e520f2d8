import RESP
import Reporting
import Wording

/// An answer `WITHSCORES`, and what it stands on where `WITHMETA` asked for it.
struct ListAnswer: Equatable {
    var items: ItemList
    /// Name and value, in the daemon's order.
    var meta: [(RESPValue, RESPValue)] = []

    init(_ answer: RESPValue) throws {
        guard case .map(let pairs) = answer, let list = answer["items"] else {
            items = try ItemList(alternating: answer)
            return
        }
        items = try ItemList(alternating: list)
        meta = pairs.filter { $0.0 != .text("items") }
    }

    static func == (left: ListAnswer, right: ListAnswer) -> Bool {
        left.items == right.items && RESPValue.map(left.meta) == .map(right.meta)
    }

    func json(scoreName: String) throws -> String {
        let list = items.value(scoreName: scoreName)
        return try JSONText.line(meta.isEmpty ? list : .map([(.text("items"), list)] + meta))
    }

    /// A field of what it stands on.
    subscript(name: String) -> RESPValue? { meta.first { $0.0 == .text(name) }?.1 }

    /// As it was asked for by whoever did not want to know what it stands on.
    var withoutMeta: ListAnswer {
        var copy = self
        copy.meta = []
        return copy
    }

    func text(scoreName: String) -> String {
        guard !meta.isEmpty else {
            // A head alone says nothing.
            return items.entries.isEmpty ? "no item fits" : items.table(scoreName: scoreName)
        }
        var table = Table([Table.Column(title: "what"), Table.Column(title: "value", widthMax: 100)])
        for (name, value) in meta { table.append([name.plainText, value.plainText]) }
        return items.table(scoreName: scoreName) + "\n\n" + table.text
    }

    /// Joins the titles and prints.
    ///
    /// - Parameter showsMeta: false where it was asked for only so that the command can say more of an empty list.
    func show(from client: RPCClient, scoreName: String, asJSON: Bool, showsMeta: Bool) throws {
        var answer = showsMeta ? self : withoutMeta
        if !showsMeta, !asJSON, items.entries.isEmpty {
            return Terminal.write(Notes.empty(self["why-fewer"]))
        }
        try answer.items.addTitles(from: client)
        Terminal.write(
            asJSON ? try answer.json(scoreName: scoreName) : answer.text(scoreName: scoreName))
    }
}
