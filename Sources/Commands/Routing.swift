internal import ClusterMembers
internal import LookUps
package import RESP
import Synchronization

/// Where in a command's words its user stands.
enum UserWord: Sendable {
    /// It is about no user, or its user need not be here: an event goes into the log whoever takes it.
    case none
    /// The first behind the name.
    case first
    /// The second, behind `USER` or `RECOMMENDED`.
    case second
    /// Several of them; the command sees to it itself.
    case several

    /// The user's id; `nil` where the command is about no single one.
    func word(of request: RESPRequest) -> ArraySlice<UInt8>? {
        switch self {
        case .none, .several: return nil
        case .first: return request.count > 1 ? request[1] : nil
        case .second:
            guard request.count > 2, ["USER", "RECOMMENDED"].contains(where: { request.has($0, at: 1) })
            else { return nil }
            return request[2]
        }
    }
}

extension Command {
    /// The word that clients of a cluster take for its key; 0 where it has none.
    var keyPlace: Int64 {
        switch user {
        case .first, .several: return 1
        case .second: return 2
        case .none:
            guard let first = arguments.first, first.token == nil else { return 0 }
            return first.name == "user" || first.name == "item" ? 1 : 0
        }
    }
}

extension RESPRequest {
    /// Whether a word is this one, in whatever case.
    func has(_ word: String, at place: Int) -> Bool {
        self[place].count == word.utf8.count
            && zip(self[place], word.utf8).allSatisfy { byte, letter in
                byte == letter
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) && byte - 0x20 == letter
            }
    }
}

/// A command that another daemon is to answer.
package struct Forwarding: Sendable {
    package var request: RESPRequest
    /// `host:port`, or the path of a socket.
    package var address: String
    /// How long it may wait for an event before it is answered; `nil` where it waits for none.
    package var wait: Duration?
    /// It takes long there, and others should not stand behind it.
    package var isLong: Bool

    /// - Parameter wait: see there.
    package init(_ request: RESPRequest, to address: String, wait: Duration?, isLong: Bool) {
        (self.request, self.address, self.wait, self.isLong) = (request, address, wait, isLong)
    }

    init(_ request: RESPRequest, to address: String, isLong: Bool) {
        (self.request, self.address, self.isLong) = (request, address, isLong)
        // The user comes first, whatever it is called.
        guard request.count > 3,
            let after = (2..<request.count - 1).first(where: { request.has("AFTER", at: $0) })
        else { return }
        wait = Lookup.After.timeoutDefault
        guard after + 3 < request.count, request.has("TIMEOUT", at: after + 2),
            let number = request[after + 3].withUnsafeBytes(Int.init(decimal:)),
            ArgumentReader.timeoutRange.contains(number)
        else { return }
        wait = .milliseconds(number)
    }
}

/// Commands about users whom another daemon has.
enum Routing {
    /// How the command goes on; `nil` where its user is here.
    ///
    /// - Throws: `MOVED`, where the client is to ask there; `TRYAGAIN`, where nobody can answer just now.
    static func elsewhere(
        _ user: ArraySlice<UInt8>, _ command: Command, _ request: RESPRequest, _ session: borrowing Session,
        _ environment: CommandEnvironment, _ cluster: any ClusterDirectory
    ) throws(CommandError) -> Outcome? {
        switch cluster.place(ofUser: user) {
        case .here: return nil
        case .moving(let why): throw tryAgain(why, environment)
        case .at(let address):
            guard environment.settings.forwards, !session.isMember else {
                throw moved(user, to: address, environment)
            }
            environment.counters.forwarded.add(1, ordering: .relaxed)
            return .forward(
                Forwarding(
                    request, to: address, isLong: command.user == .several || command.name == "SIMILAR.USERS")
            )
        }
    }

    static func moved(
        _ user: some Collection<UInt8>, to address: String, _ environment: CommandEnvironment
    ) -> CommandError {
        environment.counters.moved.add(1, ordering: .relaxed)
        return CommandError("MOVED \(HashSlots.slot(of: user)) \(address)")
    }

    /// Redis's word for keys that are on their way; clients wait a moment and ask again.
    static func tryAgain(_ why: String, _ environment: CommandEnvironment) -> CommandError {
        environment.counters.waiting.add(1, ordering: .relaxed)
        return CommandError("TRYAGAIN \(why)")
    }
}
