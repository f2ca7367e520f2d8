import CKernels
import Factors
import Testing

@testable import Retrieval

@Suite("Products of codes")
struct CodeKernelTests {
    /// Codes of rows, and what they are held against.
    private struct Rows {
        let factors: Int
        let blocks: Int
        /// Row by row, -127 ... 127.
        var codes: [Int32]
        var scales: [Float] = []
        var shifts: [Float] = []

        /// The two planes, as the header tells them.
        var planes: (upper: Column<UInt8>, lower: Column<UInt8>) {
            var (upper, lower) = (Column<UInt8>(), Column<UInt8>())
            upper.grow(to: blocks * 8 * factors, filledWith: 0)
            lower.grow(to: blocks * 8 * factors, filledWith: 0)
            for row in 0..<blocks * 16 {
                for factor in 0..<factors {
                    let four = row / 16 * 8 * factors + factor / 8 * 64 + row % 16 * 4
                    let stored = UInt8(codes[row * factors + factor] + 128)
                    if factor & 4 == 0 {
                        upper[four + (factor % 4 + 1) % 4] |= stored >> 4
                        lower[four + factor % 4] |= stored << 4
                    } else {
                        upper[four + factor % 4] |= stored & 0xf0
                        lower[four + factor % 4] |= stored & 0x0f
                    }
                }
            }
            return (upper, lower)
        }

        func products(_ query: [Int8], coarse: Bool) -> [Int32] {
            (0..<blocks * 16).map { row in
                (0..<factors).reduce(Int32(0)) { sum, factor in
                    let code = codes[row * factors + factor]
                    return sum + (coarse ? (code + 128) / 16 * 16 - 120 : code) * Int32(query[factor])
                }
            }
        }

        /// What a row's product has to exceed.
        func limit(_ row: Int, _ block: Float, _ order: limit_order, factor: Float, margin: Float) -> Float {
            switch order {
            case LIMIT_PLAIN: return block
            case LIMIT_BIASED:
                let shift = shifts[row] * factor
                return block - shift - abs(shift) * margin
            case LIMIT_SQUARED:
                let shift = shifts[row] * shifts[row] * factor
                return block + shift - abs(shift) * margin
            default:
                let own = block * shifts[row]
                return own - abs(own) * margin
            }
        }
    }

    private func scan(
        _ kernel: CodeKernel, _ rows: Rows, _ query: [Int8], _ order: limit_order, limits: [Float],
        coarse: [Float]?
    ) -> (found: [[Int32]], opened: Int) {
        let (upper, lower) = rows.planes
        let found = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * (rows.blocks + 1) * 16)
        let blocks = UnsafeMutablePointer<UInt32>.allocate(capacity: rows.blocks)
        defer {
            upper.free()
            lower.free()
            found.deallocate()
            blocks.deallocate()
        }
        let blockShifts = (0..<rows.blocks).map { block in
            let own = rows.shifts[block * 16..<block * 16 + 16]
            return (order == LIMIT_BIASED ? own.max() : own.min()) ?? 0
        }
        let room = code_room(rows: found, products: found + (rows.blocks + 1) * 16, blocks: blocks)
        let findings = rows.scales.withUnsafeBufferPointer { scales in
            rows.shifts.withUnsafeBufferPointer { shifts in
                blockShifts.withUnsafeBufferPointer { blockShifts in
                    limits.withUnsafeBufferPointer { limits in
                        (coarse ?? []).withUnsafeBufferPointer { coarseLimits in
                            var codes = code_planes(
                                upper: upper.base, lower: lower.base, factors: rows.factors,
                                blocks: rows.blocks)
                            var against = code_limits(
                                order: order, scales: scales.baseAddress!, shifts: shifts.baseAddress!,
                                block_shifts: blockShifts.baseAddress!, factor: 2, margin: 0x1p-20,
                                limits: limits.baseAddress!,
                                coarse_limits: coarse == nil ? nil : coarseLimits.baseAddress)
                            return kernel.scan(&codes, query: query, &against, found: room)
                        }
                    }
                }
            }
        }
        #expect(findings.skipped == limits.count { $0 == .infinity })
        return ((0..<findings.count).map { [room.rows[$0], room.products[$0]] }, findings.opened)
    }

    private func draw(_ number: Int, factors: Int, _ random: inout KeyedRandom) -> (Rows, [Int8]) {
        let blocks = 5
        // The first draws are all at one end.
        let codes = (0..<blocks * 16 * factors).map { _ -> Int32 in
            number == 0 ? 127 : number == 1 ? -127 : Int32(random.next(below: 255) - 127)
        }
        let query = (0..<factors).map { _ -> Int8 in
            number < 3 ? (number == 2 ? -127 : 127) : Int8(random.next(below: 255) - 127)
        }
        var rows = Rows(factors: factors, blocks: blocks, codes: codes)
        rows.scales = (0..<blocks * 16).map { _ in Float(random.nextUnit()) * 0x1p-9 }
        rows.shifts = (0..<blocks * 16).map { _ in Float(random.nextUnit()) }
        return (rows, query)
    }

    @Test(
        "every variant gives the same integers, at the ends of the range too",
        arguments: CodeKernel.allCases, [8, 24, 64, 72, 256])
    func variantsAgree(kernel: CodeKernel, factors: Int) {
        guard kernel.isSupported else {
            print("skipped: this machine has no \(kernel.rawValue)")
            return
        }
        var random = KeyedRandom(seed: UInt64(factors))
        for number in 0..<6 {
            let (rows, query) = draw(number, factors: factors, &random)
            let all = rows.products(query, coarse: false)
            for order in [LIMIT_PLAIN, LIMIT_BIASED, LIMIT_SQUARED, LIMIT_PER_NORM] {
                // All rows; some of them; none, though not skipped; skipped; a row's own.
                let limits = [
                    -.infinity, 0.25, Float.greatestFiniteMagnitude, .infinity,
                    Float(all[64]) * rows.scales[64],
                ]
                let expected = all.indices.filter { row in
                    let limit = rows.limit(row, limits[row / 16], order, factor: 2, margin: 0x1p-20)
                    return limits[row / 16] < .infinity && !(Float(all[row]) * rows.scales[row] <= limit)
                }
                let found = scan(kernel, rows, query, order, limits: limits, coarse: nil)
                #expect(found.found == expected.map { [Int32($0), all[$0]] })
                #expect(found.opened == 4)
            }
        }
    }

    @Test(
        "of a block whose coarse codes pass no row the others are not read",
        arguments: CodeKernel.allCases, [8, 24, 64, 72, 256])
    func coarseCodesComeFirst(kernel: CodeKernel, factors: Int) {
        guard kernel.isSupported else { return }
        var random = KeyedRandom(seed: UInt64(factors), index: 1)
        for number in 0..<8 {
            let (rows, query) = draw(number, factors: factors, &random)
            let all = rows.products(query, coarse: true)
            for order in [LIMIT_PLAIN, LIMIT_BIASED, LIMIT_SQUARED, LIMIT_PER_NORM] {
                let scaled = zip(all, rows.scales).map { Float($0) * $1 }
                // At the median of what a row would need; one block is passed over, one opened.
                // Of rows scaled to norm 1 a limit is never negative.
                let typical = max(order == LIMIT_PER_NORM ? 0 : -.infinity, scaled.sorted()[77])
                let coarse = [typical, .infinity, -.infinity, typical, typical]
                let limits = [-.infinity, .infinity, -.infinity, -.infinity, -.infinity] as [Float]
                let opened = (0..<5).filter { block in
                    coarse[block] < .infinity
                        && (block * 16..<block * 16 + 16).contains { row in
                            let limit = rows.limit(row, coarse[block], order, factor: 2, margin: 0x1p-20)
                            return !(scaled[row] <= limit)
                        }
                }
                let found = scan(kernel, rows, query, order, limits: limits, coarse: coarse)
                // A kernel may ask by the block's own number first, which passes all that a row's passes.
                #expect(found.opened == opened.count)
                #expect(Set(found.found.map { Int($0[0]) / 16 }) == Set(opened))
            }
        }
    }
}
