/// The place of one record in the log, handed back to whoever fed it. Written `partition:offset`.
public struct Token: Sendable, Hashable, CustomStringConvertible {
    public let partition: Int32
    public let offset: Int64

    public init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }

    /// Reads `partition:offset`; `nil` when it is anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let partition = Int32(parts[0]), let offset = Int64(parts[1]),
            partition >= 0, offset >= 0
        else { return nil }
        self.init(partition: partition, offset: offset)
    }

    public var description: String { String(partition) + ":" + String(offset) }
}
