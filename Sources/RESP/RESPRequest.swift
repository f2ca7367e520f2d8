/// One command as a client sent it: its name and arguments, as bytes.
///
/// All arguments share one buffer: two allocations a request, whatever the number of arguments.
package struct RESPRequest: Sendable, Equatable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    package init() {}

    package init(_ arguments: [String]) {
        for argument in arguments {
            argument.utf8.withContiguousStorageIfAvailable { append(UnsafeRawBufferPointer($0)) }
                ?? append(Array(argument.utf8))
        }
    }

    package init(bytes arguments: [[UInt8]]) {
        for argument in arguments { append(argument) }
    }

    package var count: Int { ends.count }
    package var isEmpty: Bool { ends.isEmpty }
    /// Memory that it takes, headers of the two arrays included.
    package var memoryBytes: Int { bytes.capacity + ends.capacity * MemoryLayout<Int>.stride + 80 }

    package subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// Makes room for a command of usual length, whatever a client claims that its own will be.
    mutating func reserve(arguments: Int) {
        ends.reserveCapacity(min(arguments, 16))
        bytes.reserveCapacity(112)
    }

    mutating func append(_ argument: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: argument)
        ends.append(bytes.count)
    }

    mutating func append(_ argument: some Collection<UInt8>) {
        bytes.append(contentsOf: argument)
        ends.append(bytes.count)
    }
}

/// How large one request may be. A client that claims more is told so and cut off before a byte is reserved for it.
public struct RequestLimits: Sendable, Equatable {
    /// Bytes of one whole request.
    public var requestBytesMax: Int
    public var argumentsMax: Int
    /// Bytes of one argument.
    public var bulkBytesMax: Int

    public init(requestBytesMax: Int = 1 << 20, argumentsMax: Int = 32_768, bulkBytesMax: Int = 1 << 16) {
        self.requestBytesMax = requestBytesMax
        self.argumentsMax = argumentsMax
        self.bulkBytesMax = bulkBytesMax
    }
}

/// What a client sent is not RESP, or passes a limit. The connection cannot go on: where the next request starts is
/// no longer known.
package struct RESPProtocolError: Error, Equatable, CustomStringConvertible {
    package let reason: String

    package init(_ reason: String) { self.reason = reason }

    /// The error as it goes on the wire.
    package var description: String { "ERR Protocol error: \(reason)" }
}
