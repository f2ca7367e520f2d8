package import Commands
package import NIOCore
package import RESP

/// Asks other daemons of the group on behalf of those who ask without commands.
package struct PeerAsker: Sendable {
    package enum Answer: Sendable {
        case value(RESPValue)
        /// Nobody answers; why.
        case none(String)
    }

    let peers: PeerLinkTable

    /// - Parameter eventLoop: on which the connection to the other is. It has to outlive the question.
    package func ask(_ forwarding: Forwarding, on eventLoop: any EventLoop) async -> Answer {
        await withCheckedContinuation { continuation in
            eventLoop.execute {
                peers.links(on: eventLoop).ask(forwarding, .two) { answer in
                    continuation.resume(returning: Self.answer(answer))
                }
            }
        }
    }

    private static func answer(_ answer: PeerAnswer) -> Answer {
        switch answer {
        case .none(let why): return .none(why)
        case .frame(let frame):
            do throws(RPCClientError) {
                return .value(try RESPValue(frame: frame))
            } catch {
                return .none("\(error)")
            }
        }
    }
}

extension RPCServer {
    /// Comes in at the others as this server's own clients' commands do.
    package var peers: PeerAsker { PeerAsker(peers: peerTable) }
}
