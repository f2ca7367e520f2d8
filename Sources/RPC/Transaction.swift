import NIOCore

/// Commands between `MULTI` and `EXEC`: checked as they came, not yet run.
struct Transaction: Sendable {
    private(set) var requests: CircularBuffer<RESPRequest> = []
    /// Memory that the requests take.
    private(set) var bytes = 0
    /// A command was refused: `EXEC` will run nothing.
    var isRefused = false

    mutating func append(_ request: RESPRequest) {
        requests.append(request)
        bytes += request.memoryBytes
    }
}
