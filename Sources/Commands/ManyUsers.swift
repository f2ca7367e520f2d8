internal import ClusterMembers
internal import Events
internal import LookUps
package import RESP
import Synchronization

/// One answer made of parts that several daemons give: an array with an element for each user.
package struct Gathering: Sendable {
    package struct Part: Sendable {
        package var forwarding: Forwarding
        /// Where in the array its elements belong.
        package var places: [Int]
    }

    package var count: Int
    package var parts: [Part]
    /// What this daemon answers by itself, an array, and where its elements belong.
    package var own: (lookup: Lookup, places: [Int])?
    /// What is already known.
    package var known: [(place: Int, value: RESPValue)]
}

/// `MRECOMMEND` where not all of its users are here.
struct ManyUsers {
    private let users: [EntityID]
    private let request: RESPRequest
    private let places: [UserPlace]

    init(_ users: [EntityID], of request: RESPRequest, _ cluster: any ClusterDirectory) {
        (self.users, self.request) = (users, request)
        places = users.map { cluster.place(ofUser: $0.string.utf8) }
    }

    var isHere: Bool { places.allSatisfy { $0 == .here } }

    func outcome(
        _ query: RecommendQuery, _ options: AnswerOptions, _ session: borrowing Session,
        _ environment: CommandEnvironment
    ) -> Outcome {
        let isMember = session.isMember
        let forwards = environment.settings.forwards && !isMember
        var gathering = Gathering(count: users.count, parts: [], own: nil, known: [])
        var (own, others): ([Int], [String: [Int]]) = ([], [:])
        for (number, place) in places.enumerated() {
            let user = users[number].string.utf8
            switch place {
            case .here: own.append(number)
            case .at(let address) where forwards: others[address, default: []].append(number)
            case .at(let address):
                let error = Routing.moved(user, to: address, environment)
                gathering.known.append((number, .error(error.description)))
            case .moving(let why):
                let error = Routing.tryAgain(why, environment)
                gathering.known.append((number, .error(error.description)))
            }
        }
        for (address, numbers) in others.sorted(by: { $0.key < $1.key }) {
            environment.counters.forwarded.add(1, ordering: .relaxed)
            let forwarding = Forwarding(part(numbers), to: address, isLong: true)
            gathering.parts.append(Gathering.Part(forwarding: forwarding, places: numbers))
        }
        if !own.isEmpty {
            let mine = own.map { users[$0] }
            // Those who have the other users wait by themselves.
            let lookup = Lookup(after: options.after) { () throws(LookupError) in
                .array(try RecommendCommands.values(for: mine, like: query, options, environment))
            }
            gathering.own = (lookup, own)
        }
        return .gather(gathering)
    }

    /// The same command of some of the users.
    private func part(_ numbers: [Int]) -> RESPRequest {
        let words =
            [request[0]] + numbers.map { request[$0 + 1] }
            + (users.count + 1..<request.count).map { request[$0] }
        return RESPRequest(bytes: words.map { Array($0) })
    }
}
