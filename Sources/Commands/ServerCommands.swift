import Access
package import Engine
internal import LookUps
import RESP
import Synchronization

/// `STATUS`, `MODELS`, `CHECKPOINT`: the daemon about itself.
package enum ServerCommands {
    static let all = [status, InfoCommand.info, models, QuarantineCommand.quarantine, checkpoint]

    static let status = Command(
        "STATUS", "Positions, counters, live scores, memory; DIGEST adds a digest of all learned state.",
        group: .daemon, flags: [.readonly], arguments: [.flag("DIGEST")]
    ) { arguments, _, environment throws(CommandError) in
        let withDigest = arguments.isNext("DIGEST")
        if withDigest { _ = try arguments.keyword() }
        try arguments.end()
        return .lookup(
            Lookup(isLong: withDigest) { () throws(LookupError) in
                var pairs = fields(environment).map { (RESPValue.text($0.name), value($0.value)) }
                if withDigest {
                    let (digest, positions) = try environment.service.digest()
                    pairs.append((.text("digest"), .text(digest)))
                    for (partition, position) in positions.sorted(by: { $0.key < $1.key }) {
                        pairs.append((.text("digest.position.\(partition)"), .integer(position)))
                    }
                }
                return .map(pairs)
            })
    }

    static let models = Command(
        "MODELS", "The models, each with its learner and live scores.", group: .daemon, flags: [.readonly]
    ) { _, _, environment throws(CommandError) in
        .lookup(
            Lookup { () throws(LookupError) in
                .array(
                    environment.service.models().map { model in
                        let fields = model.fields.map { (RESPValue.text($0.name), value($0.value)) }
                        return .map(
                            [
                                (.text("name"), .text(model.name)), (.text("learner"), .text(model.learner)),
                                (.text("default"), .boolean(model.isDefault)),
                            ] + fields)
                    })
            })
    }

    static let checkpoint = Command(
        "CHECKPOINT", "Makes the state durable now; answers next offset by partition.", group: .daemon,
        flags: [.write, .admin]
    ) { _, _, environment throws(CommandError) in
        .later { reply in
            environment.service.checkpoint { result in
                switch result {
                case .success(let positions):
                    let pairs = positions.sorted { $0.key < $1.key }
                    reply(.map(pairs.map { (.text(String($0.key)), .integer($0.value)) }))
                case .failure(let error): reply(.error(error.description))
                }
            }
        }
    }

    /// The engine's fields and the RPC's own.
    static func fields(_ environment: CommandEnvironment) -> [StatusField] {
        environment.service.status() + ownFields(environment)
    }

    /// The RPC's own.
    package static func ownFields(_ environment: CommandEnvironment) -> [StatusField] {
        let connections = environment.clients.counts
        let counters = environment.counters
        let own = [
            StatusField("rpc.connections", .integer(connections.open)),
            StatusField("rpc.connections.max", .integer(connections.max)),
            StatusField("rpc.connections.accepted", .integer(connections.accepted)),
            StatusField("rpc.connections.rejected", .integer(connections.rejected)),
            StatusField("rpc.connections.cut-off", .integer(counters.cutOff.load(ordering: .relaxed))),
            StatusField("rpc.held-bytes", .integer(Int64(environment.clients.heldBytes))),
            StatusField("rpc.held-bytes.max", .integer(Int64(environment.clients.heldBytesMax))),
            StatusField("rpc.commands", .integer(counters.commands.load(ordering: .relaxed))),
            StatusField("rpc.commands.refused", .integer(counters.refused.load(ordering: .relaxed))),
        ]
        let certificate = environment.settings.certificateEndsAt.map {
            StatusField("rpc.tls.ends-at", .integer($0))
        }
        return own + (certificate.map { [$0] } ?? []) + clusterFields(environment)
            + environment.access.counters.all.map { StatusField($0.name, .integer($0.count)) }
    }

    private static func clusterFields(_ environment: CommandEnvironment) -> [StatusField] {
        guard environment.cluster != nil else { return [] }
        let counters = environment.counters
        return [
            StatusField("rpc.commands.forwarded", .integer(counters.forwarded.load(ordering: .relaxed))),
            StatusField("rpc.commands.moved", .integer(counters.moved.load(ordering: .relaxed))),
            StatusField("rpc.commands.try-again", .integer(counters.waiting.load(ordering: .relaxed))),
        ]
    }

    /// A number that is not finite has no meaning yet, say a mean before the first event: null.
    private static func value(_ value: StatusField.Value) -> RESPValue {
        switch value {
        case .integer(let number): .integer(number)
        case .double(let number): number.isFinite ? .double(number) : .null
        case .text(let text): .text(text)
        case .bool(let flag): .boolean(flag)
        }
    }
}
