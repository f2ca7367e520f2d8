import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// Bounds what one connection may take: a request has to end in time, and so has the client's taking of what is sent to
/// it. One connection too many is told so. Confined to its channel's event loop.
///
/// How long a connection may be silent between requests is Hummingbird's to see to.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private let options: HTTPServerOptions
    private let logger: Logger
    private var isAdmitted = true
    private var requestTimer: Scheduled<Void>?
    private var answerTimer: Scheduled<Void>?

    init(_ limits: ConnectionLimits, _ options: HTTPServerOptions, _ logger: Logger) {
        self.limits = limits
        self.options = options
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        isAdmitted = limits.admit(context.channel)
        guard isAdmitted else { return }
        // The first request has to begin in time, too.
        requestTimer = closing(context, in: options.requestTimeout, "a request did not come whole in time")
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        requestTimer?.cancel()
        answerTimer?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isAdmitted else { return refuse(unwrapInboundIn(data), context) }
        switch unwrapInboundIn(data) {
        case .head:
            requestTimer?.cancel()
            requestTimer = closing(
                context, in: options.requestTimeout, "a request did not come whole in time")
        case .body: break
        case .end:
            requestTimer?.cancel()
            requestTimer = nil
        }
        context.fireChannelRead(data)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        answerTimer?.cancel()
        answerTimer =
            context.channel.isWritable
            ? nil : closing(context, in: options.answerTimeout, "the client does not take its answer")
        context.fireChannelWritabilityChanged()
    }

    private func closing(
        _ context: ChannelHandlerContext, in time: Duration, _ why: String
    ) -> Scheduled<Void> {
        let (channel, limits, logger) = (context.channel, limits, logger)
        return context.eventLoop.scheduleTask(in: TimeAmount(time)) {
            limits.countCutOff()
            logger.debug("HTTP connection closed", metadata: ["why": "\(why)"])
            channel.close(promise: nil)
        }
    }

    private func refuse(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        guard case .head = part else { return }
        let problem = Problem(
            .serviceUnavailable, "OVERLOADED",
            "\(options.connectionsMax) connections are open, the most that http.connections-max allows")
        let response = problem.response
        var head = response.head
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(problem.json.buffer)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}
