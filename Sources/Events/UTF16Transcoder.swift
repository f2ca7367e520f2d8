/// UTF-16 into UTF-8, as it is read.
final class UTF16Transcoder {
    private let isBigEndian: Bool
    /// Bytes read and not yet transcoded.
    private var pending: [UInt8]
    private var highSurrogate: UInt16?
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)

    /// - Parameter first: bytes behind the mark that are already read.
    init(isBigEndian: Bool, first: [UInt8]) {
        self.isBigEndian = isBigEndian
        pending = first
    }

    deinit { scratch.deallocate() }

    /// Fills part of `target`, which has room for at least 64 KiB; 0 at the end.
    func read(_ source: ByteSource, into target: UnsafeMutableRawBufferPointer) throws(EventFileError) -> Int
    {
        while true {
            let count: Int
            if pending.count >= 2 {
                count = 1
            } else {
                let free = min(scratch.count, target.count / 4)
                count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<free]))
                pending += scratch[..<count]
            }
            let written = transcode(target.count / 4, isLast: count == 0)
            guard !written.isEmpty || count == 0 else { continue }
            target.copyBytes(from: written)
            return written.count
        }
    }

    private func transcode(_ unitsMax: Int, isLast: Bool) -> [UInt8] {
        var written: [UInt8] = []
        let units = min(pending.count / 2, unitsMax)
        for place in 0..<units {
            let (first, second) = (UInt16(pending[place * 2]), UInt16(pending[place * 2 + 1]))
            add(isBigEndian ? first << 8 | second : second << 8 | first, to: &written)
        }
        pending.removeFirst(units * 2)
        if isLast, let high = highSurrogate {
            highSurrogate = nil
            add(bytesOf: UInt32(high), to: &written)
        }
        if isLast, !pending.isEmpty {
            pending = []
            written.append(0xFF)  // half a unit: nothing that UTF-8 could say
        }
        return written
    }

    private func add(_ unit: UInt16, to written: inout [UInt8]) {
        if let high = highSurrogate {
            highSurrogate = nil
            if UTF16.isTrailSurrogate(unit) {
                return add(
                    bytesOf: 0x1_0000 + (UInt32(high) - 0xD800) << 10 + UInt32(unit) - 0xDC00, to: &written)
            }
            add(bytesOf: UInt32(high), to: &written)
        }
        if UTF16.isLeadSurrogate(unit) {
            highSurrogate = unit
        } else {
            add(bytesOf: UInt32(unit), to: &written)
        }
    }

    /// A surrogate alone comes out as three bytes that no UTF-8 has.
    private func add(bytesOf code: UInt32, to written: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | code >> shift & 0x3F) }
        switch code {
        case ..<0x80: written.append(UInt8(code))
        case ..<0x800: written += [UInt8(0xC0 | code >> 6), tail(0)]
        case ..<0x1_0000: written += [UInt8(0xE0 | code >> 12), tail(6), tail(0)]
        default: written += [UInt8(0xF0 | code >> 18), tail(12), tail(6), tail(0)]
        }
    }
}
