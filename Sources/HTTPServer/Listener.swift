import Access
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import RPC
import TransportSecurity

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One address that is listened on.
struct Listener: Sendable {
    /// In which a client has to agree on TLS.
    private static let handshakeTimeout = TimeAmount.seconds(10)
    private typealias Accepting = NIOAsyncChannel<HTTP1Channel.Value, Never>

    /// For people.
    let name: String
    /// `host:port`; `nil` of a Unix socket.
    let address: String?
    private let accepting: Accepting
    private let http: HTTP1Channel
    private let place: SocketPath?
    private let logger: Logger

    private init(
        name: String, address: String?, _ accepting: Accepting, _ http: HTTP1Channel, place: SocketPath?,
        _ logger: Logger
    ) {
        self.name = name
        self.address = address
        self.accepting = accepting
        self.http = http
        self.place = place
        self.logger = logger
    }

    // MARK: - TCP

    /// None where it is off.
    static func tcp(
        _ listen: HTTPServerOptions.Listen, on eventLoops: MultiThreadedEventLoopGroup,
        _ environment: HTTPEnvironment
    ) async throws(HTTPServerError) -> [Listener] {
        switch listen {
        case .off: return []
        case .address(let host, let port):
            do {
                return [try await bind(host, port, on: eventLoops, environment)]
            } catch {
                throw HTTPServerError(
                    "cannot listen on http.listen '\(host):\(port)': \(reason(error)); set http.listen to another "
                        + "address, to port 0 for a free one, to auto, or to nothing to turn HTTP off")
            }
        case .auto:
            let (host, port) = (HTTPServerOptions.standardHost, HTTPServerOptions.standardPort)
            if let listener = try? await bind(host, port, on: eventLoops, environment) { return [listener] }
            do {
                return [try await bind(host, 0, on: eventLoops, environment)]
            } catch {
                throw HTTPServerError(
                    "cannot listen on any port of \(host): \(reason(error)); set http.listen to an address, or to "
                        + "nothing to turn HTTP off")
            }
        }
    }

    private static func bind(
        _ host: String, _ port: Int, on eventLoops: MultiThreadedEventLoopGroup,
        _ environment: HTTPEnvironment
    ) async throws -> Listener {
        let http = channel(environment, isLocal: false)
        let accepting = try await bootstrap(eventLoops).bind(host: host, port: port) { channel in
            channel.eventLoop.makeCompletedFuture { try secure(channel, environment.options) }
                .flatMap { http.setup(channel: channel, logger: environment.logger) }
        }
        let bound = accepting.channel.localAddress?.port ?? port
        let address = host.contains(":") ? "[\(host)]:\(bound)" : "\(host):\(bound)"
        return Listener(
            name: "\(environment.options.scheme)://\(address)", address: address, accepting, http, place: nil,
            environment.logger)
    }

    private static func secure(_ channel: any Channel, _ options: HTTPServerOptions) throws {
        guard let security = options.security else { return }
        let peer = channel.remoteAddress?.ipAddress.map(Peer.address) ?? .unknown
        try security.secure(channel, within: handshakeTimeout) { why in
            options.access.refused("HTTP connection", nil, peer, .handshake(why))
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        switch error.errnoCode {
        case EADDRINUSE: return "another program listens there"
        case EADDRNOTAVAIL: return "it is no address of this machine"
        case EACCES: return "this user may not use that port"
        default: return String(cString: strerror(error.errnoCode))
        }
    }

    // MARK: - Unix

    static func unix(
        _ path: String, on eventLoops: MultiThreadedEventLoopGroup, _ environment: HTTPEnvironment
    ) async throws(HTTPServerError) -> Listener {
        let (place, descriptor): (SocketPath, CInt)
        do throws(RPCServerError) {
            (place, descriptor) = try SocketPath.claim(path)
        } catch {
            throw HTTPServerError("http.socket: \(error.message)")
        }
        let http = channel(environment, isLocal: true)
        do {
            let accepting = try await bootstrap(eventLoops).bind(descriptor) { channel in
                http.setup(channel: channel, logger: environment.logger)
            }
            return Listener(name: path, address: nil, accepting, http, place: place, environment.logger)
        } catch {
            Glibc.close(descriptor)
            place.release()
            throw HTTPServerError("cannot listen on http.socket '\(path)': \(error)")
        }
    }

    // MARK: - Connections

    private static func bootstrap(_ eventLoops: MultiThreadedEventLoopGroup) -> ServerBootstrap {
        ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
    }

    private static func channel(_ environment: HTTPEnvironment, isLocal: Bool) -> HTTP1Channel {
        let responder = Responder(environment)
        let options = environment.options
        return HTTP1Channel(
            responder: { request, writer, channel in
                let peer = await peer(of: channel, isLocal: isLocal)
                let response = await responder.respond(to: request, from: peer, isLocal: isLocal)
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    ConnectionGuard(environment.connections, options, environment.logger)
                ], idleTimeout: TimeAmount(options.idleTimeout),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 256 << 10, maxHeaderListSize: 320 << 10, maxHeaderFieldCount: 100)))
    }

    private static func peer(of channel: any Channel, isLocal: Bool) async -> Peer {
        guard isLocal else { return channel.remoteAddress?.ipAddress.map(Peer.address) ?? .unknown }
        let found = try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { Peer(unixSocket: $0) }
        }.get()
        return (found ?? nil) ?? .unknown
    }

    /// Returns once it is closed and so are all its connections.
    func serve() async {
        await withDiscardingTaskGroup { group in
            do {
                try await accepting.executeThenClose { inbound in
                    for try await connection in inbound {
                        group.addTask { await http.handle(value: connection, logger: logger) }
                    }
                }
            } catch {
                logger.error("HTTP no longer listens", metadata: ["address": "\(name)", "error": "\(error)"])
            }
        }
    }

    func close() async {
        try? await accepting.channel.close()
        place?.release()
    }
}
