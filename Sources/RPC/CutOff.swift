/// Why a connection was closed against its client's will, and which setting lets it have more.
enum CutOff {
    case client
    case total
    case stalled

    var message: String {
        switch self {
        case .client: "closed a connection whose client does not read its answers"
        case .total: "closed the connection that holds most, as all connections together hold too much"
        case .stalled: "closed a connection whose client has stopped reading its answers"
        }
    }

    func limit(_ options: RPCServerOptions, total: MemoryTotal) -> String {
        switch self {
        case .client: "rpc.client-bytes-max is \(options.clientBytesMax)"
        case .total: "rpc.total-bytes-max is \(total.bytesMax)"
        case .stalled: "rpc.answer-timeout-s is \(options.answerTimeout.components.seconds)"
        }
    }
}
