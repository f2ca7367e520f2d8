// Watching: the running daemon in a terminal.
//
// Here live what is asked of a daemon again and again, what two such answers come to, how that looks on so many columns and
// rows, and the terminal's own modes. Answers of STATUS and MODELS come in, lines of text go out. What never comes in: the
// daemon's parts, which are asked over their socket.

package import Engine
package import RESP

/// What a daemon told at one moment.
package struct WatchedSample: Sendable {
    package let at: ContinuousClock.Instant
    package let status: [StatusField]
    package let models: [ModelStatus]
    /// What a command took that does nothing.
    package let roundTrip: Duration

    package init(
        at: ContinuousClock.Instant, status: [StatusField], models: [ModelStatus], roundTrip: Duration
    ) {
        (self.at, self.status, self.models, self.roundTrip) = (at, status, models, roundTrip)
    }

    /// Asks a daemon.
    ///
    /// - Throws: `RPCClientError` when it is gone, or refuses.
    package init(of client: RPCClient) throws(RPCClientError) {
        let begin = ContinuousClock.now
        _ = try client.call(["PING"])
        roundTrip = begin.duration(to: .now)
        status = Self.fields(try client.call(["STATUS"]))
        guard case .array(let answers) = try client.call(["MODELS"]), !status.isEmpty else {
            throw RPCClientError("the daemon does not tell how it is")
        }
        models = answers.map { answer in
            ModelStatus(
                name: answer["name"]?.string ?? "", learner: answer["learner"]?.string ?? "",
                isDefault: answer["default"].map(Self.value) == .bool(true), fields: Self.fields(answer))
        }
        at = .now
    }

    private static func fields(_ answer: RESPValue) -> [StatusField] {
        guard case .map(let pairs) = answer else { return [] }
        return pairs.map { StatusField($0.0.string ?? "", value($0.1)) }
    }

    private static func value(_ value: RESPValue) -> StatusField.Value {
        switch value {
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .boolean(let flag): .bool(flag)
        default: .text(value.string ?? "")
        }
    }

    /// A field's number; `nil` where there is none.
    package subscript(_ name: String) -> Double? { Self.number(name, in: status) }

    static func number(_ name: String, in fields: [StatusField]) -> Double? {
        switch fields.first(where: { $0.name == name })?.value {
        case .integer(let number): Double(number)
        case .double(let number): number
        case .bool(let flag): flag ? 1 : 0
        case .text, nil: nil
        }
    }
}
