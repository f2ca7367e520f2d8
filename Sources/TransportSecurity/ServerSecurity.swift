public import Foundation
internal import Locking
package import NIOCore
internal import NIOSSL
internal import NIOTLS

/// The server's side of TLS at one listener; its certificate may change while connections are open.
public final class ServerSecurity: Sendable {
    /// A certificate that ends sooner is told.
    public static let noticeBeforeEnd: TimeInterval = 14 * 86_400

    private let files: TLSFiles
    private let protocols: [String]
    private let current: Lock<TLSMaterial>

    /// - Parameter protocols: see `TLSMaterial`.
    public init(_ files: TLSFiles, protocols: [String] = []) throws(TransportSecurityError) {
        self.files = files
        self.protocols = protocols
        current = Lock(try TLSMaterial(files, protocols: protocols))
    }

    /// When the certificate that is shown now ends.
    public var ends: Date { current.withLock { $0.ends } }

    /// The same in seconds since 1970.
    public var endsAt: Int64 { Int64(ends.timeIntervalSince1970) }

    /// Whether it does so soon.
    public var endsSoon: Bool { ends.timeIntervalSinceNow < Self.noticeBeforeEnd }

    /// Reads the files again; nothing changes before `show`.
    public func readAgain() throws(TransportSecurityError) -> TLSMaterial {
        try TLSMaterial(files, protocols: protocols)
    }

    /// Takes a certificate for all connections that come from here on.
    public func show(_ material: TLSMaterial) { current.withLock { $0 = material } }

    /// Puts TLS first into the pipeline of a connection that was accepted just now. On its event loop.
    ///
    /// - Parameters:
    ///   - timeout: in which both have to agree on TLS.
    ///   - failed: told where they do not, with why.
    package func secure(
        _ channel: any Channel, within timeout: TimeAmount, failed: @escaping @Sendable (String) -> Void
    ) throws {
        let context = current.withLock { $0.context }
        try channel.pipeline.syncOperations.addHandlers(
            NIOSSLServerHandler(context: context), HandshakeGuard(within: timeout, failed: failed))
    }
}

/// Closes a connection that does not agree on TLS in time, and tells why one could not; then it is gone from the pipeline.
/// Confined to its channel's event loop.
private final class HandshakeGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let timeout: TimeAmount
    private let failed: @Sendable (String) -> Void
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(within timeout: TimeAmount, failed: @escaping @Sendable (String) -> Void) {
        self.timeout = timeout
        self.failed = failed
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.end("no TLS within \(self.timeout.nanoseconds / 1_000_000_000) s")
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        isOver = true
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(TLSFailure.words(error))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end("the connection ended before it was agreed on")
        context.fireChannelInactive()
    }

    private func end(_ why: String) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        failed(why)
    }
}
