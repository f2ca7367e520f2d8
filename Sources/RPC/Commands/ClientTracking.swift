/// `CLIENT TRACKING` and what belongs to it. There are no keys here that change, so what a client is told is right, and
/// nothing ever comes of it.
enum ClientTracking {
    static let tracking: Command.Run = { arguments, session, environment throws(CommandError) in
        let words = try arguments.rest("option")
        let options = try read(words.dropFirst(), environment)
        switch words[0].uppercased() {
        case "ON":
            guard options.prefixes.isEmpty || options.isBroadcast else {
                throw .invalid("PREFIX option requires BCAST mode to be enabled")
            }
            session.tracking = options
        case "OFF": session.tracking = nil
        default: throw .syntax
        }
        return .reply(.simple("OK"))
    }

    private static func read(
        _ words: ArraySlice<String>, _ environment: CommandEnvironment
    ) throws(CommandError) -> Tracking {
        var tracking = Tracking()
        var rest = words
        while let word = rest.popFirst() {
            switch word.uppercased() {
            case "BCAST": tracking.isBroadcast = true
            case "NOLOOP": tracking.isNoLoop = true
            case "OPTIN" where tracking.choice != .optout: tracking.choice = .optin
            case "OPTOUT" where tracking.choice != .optin: tracking.choice = .optout
            case "OPTIN", "OPTOUT":
                throw .invalid("You can't specify both OPTIN mode and OPTOUT mode")
            case "PREFIX" where !rest.isEmpty: tracking.prefixes.append(rest.removeFirst())
            case "REDIRECT" where !rest.isEmpty:
                guard let id = Int64(rest.removeFirst()) else { throw .notAnInteger }
                guard environment.registry.clients.contains(where: { Int64(clamping: $0.session.id) == id })
                else { throw .invalid("The client ID you want redirect to does not exist") }
                tracking.redirect = UInt64(clamping: id)
            default: throw .syntax
            }
        }
        guard tracking.choice == .all || !tracking.isBroadcast else {
            throw .invalid("OPTIN and OPTOUT are not compatible with BCAST")
        }
        return tracking
    }

    static let info: Command.Run = { _, session, _ throws(CommandError) in
        var flags: [String] = []
        if let tracking = session.tracking {
            flags.append("on")
            if tracking.isBroadcast { flags.append("bcast") }
            if tracking.choice != .all { flags.append(tracking.choice.rawValue) }
            if tracking.isNoLoop { flags.append("noloop") }
        } else {
            flags.append("off")
        }
        return .reply(
            .map([
                (.text("flags"), .set(flags.map(RESPValue.text))), (.text("redirect"), redirection(session)),
                (.text("prefixes"), .array((session.tracking?.prefixes ?? []).map(RESPValue.text))),
            ]))
    }

    static let caching: Command.Run = { arguments, session, _ throws(CommandError) in
        guard let tracking = session.tracking, tracking.choice != .all else {
            throw .invalid(
                "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT "
                    + "mode enabled")
        }
        switch try arguments.text("mode").uppercased() {
        case "YES":
            guard tracking.choice == .optin else {
                throw .invalid("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
            }
        case "NO":
            guard tracking.choice == .optout else {
                throw .invalid("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
            }
        default: throw .syntax
        }
        return .reply(.simple("OK"))
    }

    static let redirect: Command.Run = { _, session, _ throws(CommandError) in
        .reply(redirection(session))
    }

    private static func redirection(_ session: Session) -> RESPValue {
        .integer(session.tracking.map { Int64(clamping: $0.redirect) } ?? -1)
    }
}
