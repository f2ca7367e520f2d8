public import Access
package import ClusterMembers
package import Commands
public import Events
public import RESP
public import TransportSecurity

/// How long a look-up keeps its thread, which says where it runs.
public enum LookupLength: Sendable {
    /// On the event loop: handing it over would take longer.
    case short
    /// On the event loop when its connection has sent nothing else, else on the threads for look-ups: there those of one
    /// connection run side by side.
    case medium
    /// On the threads for look-ups: the other connections of the event loop should not wait for it.
    case long
}

/// How the RPC server listens, and what one client may take of it.
public struct RPCServerOptions: Sendable {
    /// At most 107 bytes on Linux.
    public var socketPath: String
    /// An address to listen on over TCP, too: the host as digits, a port or 0 for a free one. Nobody comes in there without a
    /// name and a password.
    public var listen: (host: String, port: Int)?
    /// With which connections over TCP are sealed; without it they come from `plainNetwork` alone.
    public var security: ServerSecurity?
    /// Whence connections over TCP are taken where nothing seals them.
    public var plainNetwork = PlainNetwork.loopback
    /// Who may come in, and how much they may ask.
    public var access = AccessControl()
    public var connectionsMax = 1024
    public var limits = RequestLimits()

    /// Of a client that has not shown yet who it is: room for a name and a password, and no more.
    public var guestLimits = RequestLimits(requestBytesMax: 4096, argumentsMax: 16, bulkBytesMax: 1024)

    /// A connection without a request for this long is closed; zero never closes one.
    public var idleTimeout: Duration = .zero
    /// From the first byte of a request to its last; from a connection's beginning to its showing who it is. Also how long a client that was refused may go on sending.
    public var requestTimeout: Duration = .seconds(30)
    /// A client that takes nothing of the answers waiting for it for this long is closed.
    public var answerTimeout: Duration = .seconds(300)

    /// Commands of one connection begun and not yet answered; past it the connection is not read.
    public var commandsInFlightMax = 1024
    /// Bytes held for one client: answers that it has not taken, commands queued by `MULTI`, half a request. Past it the
    /// connection is closed.
    public var clientBytesMax = 256 << 20
    /// The same of all clients together; past it the connection that holds most is closed.
    public var totalBytesMax = 512 << 20

    /// A connection stays with one: with more of them those that feed and those that ask are less often together.
    public var eventLoopThreads = 8
    /// Threads for look-ups that are too long for an event loop.
    public var lookupThreads = 2
    /// How long one look-up keeps its thread now. Asked before each look-up, on an event loop; must be quick.
    public var lookupLength: @Sendable () -> LookupLength = { .short }

    /// How times of events are read, and what bounds they have.
    public var events = EventOptions()

    /// Who has which users; `nil` of a daemon alone.
    package var cluster: (any ClusterDirectory)?
    /// Whether what others have is asked of them, rather than the client sent there.
    public var forwards = true
    /// What is asked over HTTP, for the others; `nil` where that is nothing.
    package var web: (any WebLookups)?
    /// How this daemon comes in at others over TCP.
    public var peerCredentials: PeerCredentials?
    /// Where the others, too, listen with TLS.
    public var peerSecurity: ClientSecurity?

    /// What `HELLO` and `INFO` say of this program.
    public var version = "0.1.0"

    public init(socketPath: String) {
        self.socketPath = socketPath
    }
}

extension RPCServerOptions: ServerSettings {
    package var certificateEndsAt: Int64? { security?.endsAt }
}
