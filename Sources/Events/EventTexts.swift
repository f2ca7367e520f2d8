/// Events as JSON texts, many in one piece of memory, on their way to an `EventDecoder`.
public struct EventTexts: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    public init() {}

    public var count: Int { ends.count }
    public var isEmpty: Bool { ends.isEmpty }

    public mutating func append(_ text: some Collection<UInt8>) {
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
    }

    /// Calls `body` with each text in its order; `EventDecoder.padding` readable bytes follow it.
    public func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
        (bytes + [UInt8](repeating: 0, count: EventDecoder.padding)).withUnsafeBytes { bytes in
            var start = 0
            for end in ends {
                body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
    }
}
