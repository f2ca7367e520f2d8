import ArgumentParser
import RESP
import Reporting
import Wording

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "The models, their live scores, and each one's lead over the default.",
        discussion: """
            Scores are of events before they are learned: of recall@10 more is better, of rmse less, and the baseline beside each
            is popularity, or means of users and items. Leads are over the default model, differences on the same events, over the score's window and since the start of the state, each with the
            interval that holds it with 95 % probability; since the start it does at every moment, however often one looks.

            EXAMPLES
              freshet models
              freshet models --json | jq '.[] | {name, lead}'
            """)

    @OptionGroup var client: ClientOptions

    var rpcArguments: [String] { ["MODELS"] }

    private static let columns = [
        "name", "learner", "default", "measure", "score", "baseline", "lead", "95 %", "events", "lead.total",
        "95 %",
        "events.total",
    ]

    /// A line a model; of the default why it is that.
    static func text(_ answer: RESPValue) throws -> String {
        guard case .array(let models) = answer else {
            throw DaemonError(description: "answer is no array: \(answer.plainText)")
        }
        var table = Table(columns.map { Table.Column(title: $0) })
        var notes: [String] = []
        for model in models {
            let fields = Fields(model)
            let isDefault = fields["default"] == "yes"
            table.append(
                [
                    fields["name"], fields["learner"], isDefault ? "yes" : "",
                    fields.names(of: ["recall@10", "rmse"]), fields.first(["recall@10", "rmse"]),
                    fields.first(["recall@10-popularity", "rmse-means"]),
                ] + fields.lead("") + fields.lead(".total"))
            if let token = fields.optional("promoted-at") {
                notes.append(
                    "\n\n\(fields["name"]) is the default since \(token): \(fields["promoted-because"])")
            }
        }
        return table.text + notes.joined()
    }

    func run() throws {
        try client.withClient {
            let answer = try $0.ask(rpcArguments)
            Terminal.write(client.prefersJSON ? try JSONText.line(answer) : try Self.text(answer))
        }
    }

    /// Of one model.
    private struct Fields {
        private var values: [String: String] = [:]

        init(_ model: RESPValue) {
            guard case .map(let pairs) = model else { return }
            for (name, value) in pairs { values[name.plainText] = value.plainText }
        }

        func optional(_ name: String) -> String? { values[name] }

        subscript(name: String) -> String { values[name] ?? "" }

        func names(of names: [String]) -> String { names.first { values[$0] != nil } ?? "" }

        func first(_ names: [String]) -> String { names.compactMap { values[$0] }.first ?? "" }

        /// The lead, its interval and the events it was taken on.
        func lead(_ suffix: String) -> [String] {
            guard let lead = values["lead\(suffix)"] else { return ["", "", ""] }
            let (low, high) = (self["lead-low\(suffix)"], self["lead-high\(suffix)"])
            return [lead, "\(low) to \(high)", self["lead-events\(suffix)"]]
        }
    }
}
