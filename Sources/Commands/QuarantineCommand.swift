import Engine
import Events
internal import LookUps
import Quarantine
import RESP

/// `QUARANTINE`: what the guard has dropped.
enum QuarantineCommand {
    private static let countDefault = 100

    static let quarantine = Command(
        "QUARANTINE",
        "The latest updates that the guard dropped, newest first: of which event and model, and why.",
        group: .daemon, flags: [.readonly],
        arguments: [.option("COUNT", "n", .integer), .option("MODEL", "m")]
    ) { arguments, _, environment throws(CommandError) in
        var (count, model) = (countDefault, String?.none)
        while let option = try arguments.option() {
            switch option {
            case "COUNT": count = try arguments.count()
            case "MODEL": model = try arguments.text("MODEL")
            default: throw arguments.unexpected(option)
            }
        }
        return .lookup(
            Lookup { [count, model] () throws(LookupError) in
                .array(try environment.service.quarantine(count, model: model).map(value))
            })
    }

    private static func value(_ update: QuarantinedUpdate) -> RESPValue {
        .map([
            (.text("model"), .text(update.model)), (.text("token"), .text(update.token.description)),
            (.text("user"), update.user.map { .text($0.string) } ?? .null),
            (.text("item"), update.item.map { .text($0.string) } ?? .null),
            (.text("ts"), .integer(update.time)), (.text("why"), .text(update.reason)),
            (.text("steps"), .integer(Int64(update.steps))),
        ])
    }
}
