package import Foundation

/// Numbers one after the other, little-endian, as the state file has them.
package struct BlendNumbers {
    package private(set) var data = Data()
    private var offset = 0

    package init() {}
    package init(_ data: Data) { self.data = Data(data) }

    package mutating func append(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }

    package mutating func append(_ values: [Double]) {
        append(UInt64(values.count))
        for value in values { append(value.bitPattern) }
    }

    /// `nil` past the end.
    package mutating func next() -> UInt64? {
        guard offset + 8 <= data.count else { return nil }
        defer { offset += 8 }
        return data.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }

    package mutating func nextList() -> [Double]? {
        guard let count = next(), count <= 1 << 20 else { return nil }
        var values: [Double] = []
        for _ in 0..<count {
            guard let bits = next() else { return nil }
            values.append(Double(bitPattern: bits))
        }
        return values
    }
}

extension BlendWeights {
    package func write(to numbers: inout BlendNumbers) {
        for list in [values, curvature, contexts, squares] { numbers.append(list) }
    }

    package init?(_ numbers: inout BlendNumbers, features: Int) {
        guard let values = numbers.nextList(), let curvature = numbers.nextList(),
            let contexts = numbers.nextList(), let squares = numbers.nextList()
        else { return nil }
        self.init(
            features: features, values: values, curvature: curvature, contexts: contexts, squares: squares)
    }
}

extension BlendStandings {
    package func write(to numbers: inout BlendNumbers) {
        numbers.append(events.bitPattern)
        for list in [hits, leads, squares] { numbers.append(list) }
    }

    package init?(_ numbers: inout BlendNumbers, parts: Int) {
        guard let events = numbers.next(), let hits = numbers.nextList(), let leads = numbers.nextList(),
            let squares = numbers.nextList()
        else { return nil }
        self.init(
            parts: parts, events: Double(bitPattern: events), hits: hits, leads: leads, squares: squares)
    }
}
