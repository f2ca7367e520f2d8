import ClusterMembers
import Commands
import HTTPTypes
import HummingbirdCore
import LookUps
import NIOCore
import NIOPosix
import RESP
import RPC

/// Users whom other daemons of the group have: where they are, and how they are asked for there.
struct Elsewhere: Sendable {
    let directory: any ClusterDirectory
    /// `nil` where the client is sent there.
    let peers: PeerAsker?
    /// On which the others are asked.
    let eventLoops: MultiThreadedEventLoopGroup

    /// The other daemon's answer; `nil` where what is asked is about no user, or about one of this daemon's.
    ///
    /// - Throws: `.moved`, where the client is to ask there; `.tryAgain`, where nobody can answer just now.
    func answer(_ call: Call, of route: Route) async throws -> Response? {
        guard let user = call.text("user"), let target = call.head.path else { return nil }
        switch directory.place(ofUser: user.utf8) {
        case .here: return nil
        case .moving(let why): throw LookupError(.tryAgain, why)
        case .at(let address):
            let moved = LookupError(.moved, "\(HashSlots.slot(of: user.utf8)) \(address)")
            guard let peers else { throw moved }
            call.environment.countForwarded()
            let forwarding = Forwarding(
                RESPRequest(["CLUSTER", "GET", target]), to: address, wait: call.after?.timeout,
                isLong: route.isLong)
            switch await peers.ask(forwarding, on: eventLoops.next()) {
            case .none(let why): throw LookupError(.tryAgain, why)
            case .value(let value): return try Self.response(value, otherwise: moved)
            }
        }
    }

    /// - Parameter moved: of a daemon of an earlier version, which does not answer for others.
    private static func response(_ value: RESPValue, otherwise moved: LookupError) throws -> Response {
        switch value {
        case .array(let parts):
            guard parts.count == 2, case .integer(let status) = parts[0], case .bulk(let body) = parts[1]
            else {
                break
            }
            return response(Int(status), ByteBuffer(bytes: body))
        case .error(let text):
            let words = text.split(separator: " ", maxSplits: 1).map(String.init)
            guard let word = words.first, let code = LookupError.Code(rawValue: word) else {
                throw LookupError(.tryAgain, "the daemon that has the user says: \(text)")
            }
            throw code == .invalid ? moved : LookupError(code, words.last ?? "")
        default: break
        }
        throw LookupError(.tryAgain, "the daemon that has the user does not answer as it should")
    }

    private static func response(_ status: Int, _ body: ByteBuffer) -> Response {
        guard status != 200 else { return .bytes(body, "application/json") }
        var headers: HTTPFields = [.contentType: Problem.mediaType]
        if status == 503 { headers[.retryAfter] = "1" }
        return Response(
            status: HTTPResponse.Status(code: status), headers: headers, body: ResponseBody(byteBuffer: body))
    }
}

/// Answers for other daemons what they are asked over HTTP about this one's users.
struct AnswersForOthers: WebLookups {
    let environment: HTTPEnvironment

    func lookup(_ target: String) -> Lookup {
        do throws(Problem) {
            let (path, query) = try Target.parts(target)
            for route in Routes.all where route.method == .get {
                guard case .lookup(let work) = route.work, let found = route.match(path), found["user"] != nil
                else { continue }
                let call = Call(
                    values: try route.values(path: found, query: query), body: ByteBuffer(),
                    head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: target),
                    caller: Caller(of: route, environment), environment: environment)
                let after = call.after.map { Lookup.After(token: $0.token, timeout: $0.timeout) }
                return Lookup(after: after, isLong: route.isLong) { Self.answer(work, call) }
            }
            throw Problem(.notFound, "NOTFOUND", "no look-up of a user is at this path")
        } catch {
            let answer = Self.value(error.status.code, error.json)
            return Lookup(after: nil) { .success(answer) }
        }
    }

    private static func answer(
        _ work: @Sendable (Call) throws -> JSON, _ call: Call
    ) -> Result<RESPValue, LookupError> {
        let problem: Problem
        do {
            return .success(value(200, try work(call)))
        } catch let error as LookupError {
            // Sent on, or told to the client, by whoever asks.
            if error.code == .moved { return .failure(error) }
            problem = Problem(error)
        } catch let error as Problem {
            problem = error
        } catch {
            problem = .fault(error, call.environment)
        }
        return .success(value(problem.status.code, problem.json))
    }

    private static func value(_ status: Int, _ body: JSON) -> RESPValue {
        .array([.integer(Int64(status)), .bulk(Array(body.buffer.readableBytesView))])
    }
}
