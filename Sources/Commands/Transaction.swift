package import NIOCore
package import RESP

/// Commands between `MULTI` and `EXEC`: checked as they came, not yet run.
package struct Transaction: Sendable {
    package private(set) var requests: CircularBuffer<RESPRequest> = []
    /// Memory that the requests take.
    package private(set) var bytes = 0
    /// A command was refused: `EXEC` will run nothing.
    var isRefused = false

    mutating func append(_ request: RESPRequest) {
        requests.append(request)
        bytes += request.memoryBytes
    }
}
