import Commands
import Locking
import NIOCore
import RESP
import TransportSecurity

/// The connections of one event loop to other daemons. Confined to it: what a client asks goes out and comes back on the
/// thread that serves the client.
final class PeerLinks {
    private struct Key: Hashable {
        var address: String
        var version: Int64
    }

    /// How often a command is sent on: its user may have moved once more since this daemon heard of it.
    private static let hopsMax = 2

    /// Beside the one that all share: for commands that wait for an event there, or take long, so that others need not stand
    /// behind them.
    private static let ownLinksMax = 16

    private let credentials: PeerCredentials?
    private let security: ClientSecurity?
    private let eventLoop: any EventLoop
    private var shared: [Key: PeerLink] = [:]
    private var own: [Key: [PeerLink]] = [:]

    init(_ credentials: PeerCredentials?, _ security: ClientSecurity?, on eventLoop: any EventLoop) {
        (self.credentials, self.security, self.eventLoop) = (credentials, security, eventLoop)
    }

    /// Asks, and asks on where the other says that the user has moved. Where nobody answers the reason names who was asked.
    ///
    /// - Parameter completion: never called before this returns.
    func ask(
        _ forwarding: Forwarding, _ version: RESPVersion, hops: Int = 1,
        _ completion: @escaping PeerLink.Completion
    ) {
        send(forwarding, version) { [weak self] answer in
            if let self, hops < Self.hopsMax, let address = answer.movedTo {
                var again = forwarding
                again.address = address
                return ask(again, version, hops: hops + 1, completion)
            }
            if case .none(let why) = answer {
                let words = "the daemon at \(forwarding.address), which has the user, cannot be asked: \(why)"
                return completion(.none(words))
            }
            completion(answer)
        }
    }

    private func send(
        _ forwarding: Forwarding, _ version: RESPVersion, _ completion: @escaping PeerLink.Completion
    ) {
        let key = Key(address: forwarding.address, version: version.rawValue)
        let link =
            forwarding.wait == nil && !forwarding.isLong ? sharedLink(key, version) : ownLink(key, version)
        link.send(forwarding, completion)
    }

    private func sharedLink(_ key: Key, _ version: RESPVersion) -> PeerLink {
        if let link = shared[key] { return link }
        let link = makeLink(key, version)
        shared[key] = link
        link.connect()
        return link
    }

    private func ownLink(_ key: Key, _ version: RESPVersion) -> PeerLink {
        let links = own[key] ?? []
        if let free = links.first(where: { $0.count == 0 }) { return free }
        if links.count >= Self.ownLinksMax, let least = links.min(by: { $0.count < $1.count }) {
            return least
        }
        let link = makeLink(key, version)
        own[key, default: []].append(link)
        link.connect()
        return link
    }

    private func makeLink(_ key: Key, _ version: RESPVersion) -> PeerLink {
        PeerLink(to: key.address, version, credentials, security, on: eventLoop) { [weak self] link in
            guard let self else { return }
            if shared[key] === link { shared[key] = nil }
            own[key]?.removeAll { $0 === link }
        }
    }
}

/// Those of all event loops of a server.
final class PeerLinkTable: Sendable {
    private let credentials: PeerCredentials?
    private let security: ClientSecurity?
    private let all = Lock<[ObjectIdentifier: NIOLoopBound<PeerLinks>]>([:])

    init(_ credentials: PeerCredentials?, _ security: ClientSecurity?) {
        (self.credentials, self.security) = (credentials, security)
    }

    /// On that event loop.
    func links(on eventLoop: any EventLoop) -> PeerLinks {
        let known = all.withLock { $0[ObjectIdentifier(eventLoop)] }
        if let known { return known.value }
        let made = NIOLoopBound(PeerLinks(credentials, security, on: eventLoop), eventLoop: eventLoop)
        all.withLock { $0[ObjectIdentifier(eventLoop)] = made }
        return made.value
    }
}
