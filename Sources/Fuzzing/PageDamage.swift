/// Damage to a SQLite file that knows where its pages, cells and frames are (https://www.sqlite.org/fileformat.html).
struct PageDamage {
    let pageSize: Int

    /// Never leaves a file of no bytes: that is a new one.
    func change(_ bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        let pages = max(1, bytes.count / pageSize)
        let page = numbers.below(pages) * pageSize
        switch numbers.below(14) {
        case 0, 1: flip(&bytes, in: 0..<bytes.count, &numbers)
        case 2: put(UInt8(truncatingIfNeeded: numbers.next()), at: numbers.below(bytes.count), in: &bytes)
        case 3, 4: changeHeader(ofPage: page, in: &bytes, &numbers)
        case 5: changeCellPointer(ofPage: page, in: &bytes, &numbers)
        case 6, 7: changeCell(ofPage: page, in: &bytes, &numbers)
        case 8:
            // A page's number, where one stands in the rightmost pointer, an overflow chain, the list of free pages.
            put(word: pageNumber(pages, &numbers), at: page + numbers.below(max(1, pageSize - 4)), in: &bytes)
        case 9: changeFileHeader(of: &bytes, &numbers)
        case 10:
            let other = numbers.below(pages) * pageSize
            if numbers.happens(oneIn: 2) {
                copy(page, to: other, in: &bytes)
            } else {
                swap(page, other, in: &bytes)
            }
        case 11: for place in page..<min(bytes.count, page + pageSize) { bytes[place] = 0 }
        case 12: bytes.removeLast(numbers.below(bytes.count))
        default: if pages > 1 { bytes.removeLast((1 + numbers.below(pages - 1)) * pageSize) }
        }
    }

    /// Some pages, or sectors, are those of another time.
    func mix(_ bytes: inout [UInt8], with others: [UInt8], _ numbers: inout FuzzNumbers) {
        let unit = numbers.happens(oneIn: 3) ? 512 : pageSize
        for _ in 0...numbers.below(4) {
            let first = numbers.below(max(1, max(bytes.count, others.count) / unit))
            for number in first..<first + 1 + numbers.below(3) {
                let range = number * unit..<(number + 1) * unit
                if range.upperBound <= min(bytes.count, others.count) {
                    bytes.replaceSubrange(range, with: others[range])
                } else if range.upperBound <= others.count, range.lowerBound == bytes.count {
                    bytes += others[range]
                }
            }
        }
    }

    // MARK: - Pages

    private func put(_ byte: UInt8, at place: Int, in bytes: inout [UInt8]) {
        if bytes.indices.contains(place) { bytes[place] = byte }
    }

    private func put(word: UInt32, at place: Int, in bytes: inout [UInt8]) {
        for byte in 0..<4 {
            put(UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * byte)), at: place + byte, in: &bytes)
        }
    }

    private func flip(_ bytes: inout [UInt8], in range: Range<Int>, _ numbers: inout FuzzNumbers) {
        let place = range.lowerBound + numbers.below(range.count)
        if bytes.indices.contains(place) { bytes[place] ^= 1 << UInt8(numbers.below(8)) }
    }

    private func pageNumber(_ pages: Int, _ numbers: inout FuzzNumbers) -> UInt32 {
        numbers.pick([0, 1, UInt32(1 + numbers.below(pages)), UInt32(pages + 1), .max, 0x7FFF_FFFF])
    }

    /// Where the header of its B-tree begins: behind that of the file, on the first page.
    private func tree(_ page: Int) -> Int { page == 0 ? 100 : page }

    /// Kind, first free block, cells, where their content begins, fragments, rightmost child.
    private func changeHeader(ofPage page: Int, in bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        let start = tree(page)
        switch numbers.below(3) {
        case 0: put(numbers.pick([0, 2, 5, 10, 13, 255]), at: start, in: &bytes)
        case 1:
            let place = start + numbers.pick([1, 3, 5])
            let word = UInt16(
                truncatingIfNeeded: numbers.pick([0, 1, 8, UInt64(pageSize), 0xFFFF, numbers.next()]))
            put(UInt8(word >> 8), at: place, in: &bytes)
            put(UInt8(word & 255), at: place + 1, in: &bytes)
        default: put(word: pageNumber(bytes.count / pageSize, &numbers), at: start + 8, in: &bytes)
        }
    }

    private func cells(ofPage page: Int, in bytes: [UInt8]) -> (first: Int, count: Int)? {
        let start = tree(page)
        guard start + 12 < bytes.count, [2, 5, 10, 13].contains(bytes[start]) else { return nil }
        let count = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        return count > 0 ? (start + (bytes[start] < 8 ? 12 : 8), count) : nil
    }

    private func changeCellPointer(ofPage page: Int, in bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        guard let (first, count) = cells(ofPage: page, in: bytes) else { return }
        let place = first + 2 * numbers.below(count)
        let word = UInt16(
            truncatingIfNeeded: numbers.pick([0, 4, UInt64(pageSize - 2), 0xFFFF, numbers.next()]))
        put(UInt8(word >> 8), at: place, in: &bytes)
        put(UInt8(word & 255), at: place + 1, in: &bytes)
    }

    /// The begin of a cell: a child's page, the length of what it holds, its row, the kinds of its columns.
    private func changeCell(ofPage page: Int, in bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        guard let (first, count) = cells(ofPage: page, in: bytes) else { return }
        let pointer = first + 2 * numbers.below(count)
        guard pointer + 1 < bytes.count else { return }
        let cell = page + (Int(bytes[pointer]) << 8 | Int(bytes[pointer + 1]))
        let place = cell + numbers.below(24)
        switch numbers.below(4) {
        case 0: flip(&bytes, in: place..<place + 1, &numbers)
        case 1: put(numbers.pick([0, 1, 7, 8, 9, 10, 11, 12, 13, 0x7F]), at: place, in: &bytes)
        case 2:
            // A length beyond everything, as a variable integer.
            for byte in 0..<(1 + numbers.below(9)) { put(0xFF, at: place + byte, in: &bytes) }
        default: put(word: UInt32(truncatingIfNeeded: numbers.next()), at: place, in: &bytes)
        }
    }

    private func changeFileHeader(of bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        // Page size, versions, reserved bytes, pages, free pages, cookies, encoding, our own numbers.
        let place = numbers.pick([
            16, 18, 19, 20, 21, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 72, 92, 96,
        ])
        if place < 24 {
            put(
                UInt8(truncatingIfNeeded: numbers.pick([0, 1, 2, 3, 16, 255, numbers.next()])), at: place,
                in: &bytes)
        } else {
            put(
                word: UInt32(
                    truncatingIfNeeded: numbers.pick([
                        0, 1, 2, 3, 6, 0x7FFF_FFFF, 0xFFFF_FFFF, numbers.next(),
                    ])),
                at: place, in: &bytes)
        }
    }

    private func copy(_ from: Int, to: Int, in bytes: inout [UInt8]) {
        guard from + pageSize <= bytes.count, to + pageSize <= bytes.count else { return }
        bytes.replaceSubrange(to..<to + pageSize, with: Array(bytes[from..<from + pageSize]))
    }

    private func swap(_ one: Int, _ other: Int, in bytes: inout [UInt8]) {
        guard one + pageSize <= bytes.count, other + pageSize <= bytes.count else { return }
        for byte in 0..<pageSize { bytes.swapAt(one + byte, other + byte) }
    }

    // MARK: - The write-ahead log

    private static let logHeader = 32
    private static let frameHeader = 24

    func change(log: inout [UInt8], _ numbers: inout FuzzNumbers) {
        let frame = Self.frameHeader + pageSize
        for _ in 0...numbers.below(3) {
            let frames = (log.count - Self.logHeader) / frame
            guard frames > 0 else { return }
            let start = Self.logHeader + numbers.below(frames) * frame
            switch numbers.below(7) {
            case 0: flip(&log, in: 0..<Self.logHeader, &numbers)
            case 1: put(word: pageNumber(frames, &numbers), at: start + numbers.pick([0, 4]), in: &log)
            case 2: flip(&log, in: start..<start + frame, &numbers)
            case 3:
                var page = Array(log[start + Self.frameHeader..<start + frame])
                change(&page, &numbers)
                page += [UInt8](repeating: 0, count: max(0, pageSize - page.count))
                log.replaceSubrange(start + Self.frameHeader..<start + frame, with: page.prefix(pageSize))
            case 4: log.removeLast(numbers.below(log.count))
            case 5: log.removeSubrange(start..<start + frame)
            default: log.insert(contentsOf: Array(log[start..<start + frame]), at: start)
            }
        }
        // Else SQLite passes over all that comes behind.
        if !numbers.happens(oneIn: 3) { sign(&log) }
    }

    /// Makes its checksums right.
    private func sign(_ log: inout [UInt8]) {
        guard log.count >= Self.logHeader else { return }
        let isBigEndian = log[3] & 1 == 1
        var sum: (UInt32, UInt32) = (0, 0)
        func add(_ bytes: ArraySlice<UInt8>) {
            func word(_ place: Int) -> UInt32 {
                let four = (0..<4).map { UInt32(bytes[place + $0]) }
                return isBigEndian
                    ? four[0] << 24 | four[1] << 16 | four[2] << 8 | four[3]
                    : four[3] << 24 | four[2] << 16 | four[1] << 8 | four[0]
            }
            var place = bytes.startIndex
            while place + 8 <= bytes.endIndex {
                sum.0 = sum.0 &+ word(place) &+ sum.1
                sum.1 = sum.1 &+ word(place + 4) &+ sum.0
                place += 8
            }
        }
        add(log[0..<24])
        put(word: sum.0, at: 24, in: &log)
        put(word: sum.1, at: 28, in: &log)
        var start = Self.logHeader
        while start + Self.frameHeader + pageSize <= log.count {
            // A frame of another log's salts is none of this one.
            for byte in 0..<8 { log[start + 8 + byte] = log[16 + byte] }
            add(log[start..<start + 8])
            add(log[start + Self.frameHeader..<start + Self.frameHeader + pageSize])
            put(word: sum.0, at: start + 16, in: &log)
            put(word: sum.1, at: start + 20, in: &log)
            start += Self.frameHeader + pageSize
        }
    }
}
