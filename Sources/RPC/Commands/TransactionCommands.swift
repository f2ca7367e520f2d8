/// `MULTI` and what ends it, as Redis has them: commands are checked and queued as they come, `EXEC` runs them in order
/// and answers an array. A queue with a command that was refused runs nothing.
enum TransactionCommands {
    static let all = [multi, exec, discard, watch, unwatch]

    static let multi = Command(
        "MULTI", "Queues what comes until EXEC.", group: .transactions, flags: [.fast, .immediate]
    ) { _, session, _ throws(CommandError) in
        guard session.transaction == nil else { throw .invalid("MULTI calls can not be nested") }
        session.transaction = Transaction()
        return .reply(.simple("OK"))
    }

    static let exec = Command(
        "EXEC", "Runs the queued commands in order; answers an array.", group: .transactions,
        flags: [.immediate]
    ) { _, session, _ throws(CommandError) in
        guard let transaction = session.transaction.take() else { throw .invalid("EXEC without MULTI") }
        guard !transaction.isRefused else {
            throw CommandError("EXECABORT Transaction discarded because of previous errors.")
        }
        return .execute(transaction)
    }

    static let discard = Command(
        "DISCARD", "Forgets the queued commands.", group: .transactions, flags: [.fast, .immediate]
    ) { _, session, _ throws(CommandError) in
        guard session.transaction.take() != nil else { throw .invalid("DISCARD without MULTI") }
        return .reply(.simple("OK"))
    }

    static let watch = Command(
        "WATCH", "Refused: there are no keys to watch.", group: .transactions, flags: [.fast, .immediate],
        arguments: [.values("key")]
    ) { _, session, _ throws(CommandError) in
        guard session.transaction == nil else { throw .invalid("WATCH inside MULTI is not allowed") }
        throw .invalid(
            "WATCH is not supported: there are no keys, and EXEC does not depend on what others do; leave it out"
        )
    }

    static let unwatch = Command(
        "UNWATCH", "Answers OK; nothing is ever watched.", group: .transactions, flags: [.fast]
    ) { _, _, _ throws(CommandError) in
        .reply(.simple("OK"))
    }
}
