/// The id of a user or an item: opaque UTF-8, 1 to 256 bytes.
///
/// Two ids are equal when their bytes are equal. `String` compares by canonical equivalence ("é" as one
/// scalar equals "é" as two), which would merge ids that their owner keeps apart.
public struct EntityID: Sendable {
    public static let bytesMax = 256

    public let string: String

    /// - Throws: `EventError.idEmpty` or `.idTooLong`.
    public init(_ string: String) throws(EventError) {
        let bytes = string.utf8.count
        guard bytes > 0 else { throw .idEmpty }
        guard bytes <= Self.bytesMax else { throw .idTooLong(bytes: bytes) }
        self.string = string
    }

    /// - Parameter literal: of the program's own, 1 to 256 bytes.
    init(literal: StaticString) {
        precondition((1...Self.bytesMax).contains(literal.utf8CodeUnitCount))
        string = literal.description
    }

    /// - Parameter field: named in the error.
    /// - Throws: `EventError.badID`.
    init(_ string: String, field: String) throws(EventError) {
        do throws(EventError) { try self.init(string) } catch { throw .badID(field: field, error) }
    }
}

extension EntityID: Hashable {
    public static func == (left: EntityID, right: EntityID) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension EntityID: CustomStringConvertible {
    public var description: String { string }
}
