import Access
import RESP

/// What `AUTH` and `HELLO … AUTH` have in common.
enum Authenticating {
    typealias Finish =
        @Sendable (inout Session, Identity) throws(CommandError) -> RESPValue

    private static let wrong = CommandError("WRONGPASS invalid username-password pair or user is disabled.")
    private static let busy = CommandError("OVERLOADED too many passwords are being checked; try again")

    /// Calls `finish` with who it is, at once where that is known, or answers that it is nobody.
    static func outcome(
        _ credentials: AccessControl.Credentials, _ session: inout Session,
        _ environment: CommandEnvironment, _ finish: @escaping Finish
    ) throws(CommandError) -> Outcome {
        guard let verdict = environment.access.checkAtOnce(credentials, session.peer) else {
            return .authenticate(
                Authentication(credentials: credentials) { verdict, session in
                    do throws(CommandError) {
                        return try settle(verdict, &session, environment, finish)
                    } catch {
                        return .error(error.description)
                    }
                })
        }
        return .reply(try settle(verdict, &session, environment, finish))
    }

    private static func settle(
        _ verdict: AccessControl.Verdict, _ session: inout Session, _ environment: CommandEnvironment,
        _ finish: Finish
    ) throws(CommandError) -> RESPValue {
        switch verdict {
        case .identity(let identity): return try finish(&session, identity)
        case .busy: throw busy
        case .wrong:
            environment.access.refused("auth", session.identity, session.peer, .wrongPassword)
            throw wrong
        }
    }
}
