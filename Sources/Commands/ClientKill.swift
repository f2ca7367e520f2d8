import Access
import RESP

/// `CLIENT KILL`, by filters or by the one address that all connections have.
enum ClientKill {
    private struct Filter {
        var id: UInt64?
        var sparesOwn = true
        var isOfType = true
        var isAtAddress = true
        var user: String?

        func matches(_ session: Session, own: UInt64) -> Bool {
            isOfType && isAtAddress && (user == nil || user == session.identity?.name)
                && (id == nil || id == session.id) && !(sparesOwn && session.id == own)
        }
    }

    static let run: Command.Run = { arguments, session, environment throws(CommandError) in
        let words = try arguments.rest("filter")
        let address = environment.settings.socketPath + ":0"
        if words.count == 1 {
            // The old form closes one connection, and all have the same address.
            guard words[0] == address else { throw .invalid("No such client") }
            return close(Filter(sparesOwn: false), &session, environment, answer: .simple("OK"))
        }
        let filter = try read(words, address: address, environment)
        return close(filter, &session, environment, answer: nil)
    }

    private static func read(
        _ words: [String], address: String, _ environment: CommandEnvironment
    ) throws(CommandError) -> Filter {
        var filter = Filter()
        guard words.count.isMultiple(of: 2) else { throw .syntax }
        for index in stride(from: 0, to: words.count, by: 2) {
            let value = words[index + 1]
            switch words[index].uppercased() {
            case "ID":
                guard let id = UInt64(value), id > 0 else {
                    throw .invalid("client-id should be greater than 0")
                }
                filter.id = id
            case "TYPE":
                let type = value.lowercased()
                guard ClientCommands.types.contains(type) else {
                    throw .invalid("Unknown client type '\(value)'")
                }
                filter.isOfType = type == "normal"
            case "USER":
                guard value == Identity.standardName || environment.access.rules.users[value] != nil else {
                    throw .invalid("No such user '\(value)'")
                }
                filter.user = value
            case "ADDR", "LADDR": filter.isAtAddress = value == address
            case "SKIPME":
                switch value.lowercased() {
                case "yes": filter.sparesOwn = true
                case "no": filter.sparesOwn = false
                default: throw .syntax
                }
            default: throw .syntax
            }
        }
        return filter
    }

    /// Closes the connections that match; this one, if it does, once it has been answered.
    private static func close(
        _ filter: Filter, _ session: inout Session, _ environment: CommandEnvironment, answer: RESPValue?
    ) -> Outcome {
        let own = session.id
        let others = environment.clients.close { $0.id != own && filter.matches($0, own: own) }
        let closesOwn = filter.matches(session, own: own)
        let answer = answer ?? .integer(Int64(others.count + (closesOwn ? 1 : 0)))
        return closesOwn ? .close(answer) : .reply(answer)
    }
}
