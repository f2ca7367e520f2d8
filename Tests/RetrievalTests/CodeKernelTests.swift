import CKernels
import Factors
import Testing

@testable import Retrieval

@Suite("Products of codes")
struct CodeKernelTests {
    /// As the header says it, one number at a time.
    private func products(_ codes: [UInt8], _ query: [Int8], factors: Int, blocks: Int) -> [Int32] {
        (0..<blocks * 16).map { row in
            (0..<factors).reduce(Int32(0)) { sum, factor in
                let place = row / 16 * 16 * factors + factor / 4 * 64 + row % 16 * 4 + factor % 4
                return sum + (Int32(codes[place]) - 128) * Int32(query[factor])
            }
        }
    }

    private func scan(
        _ kernel: CodeKernel, _ codes: [UInt8], _ query: [Int8], _ scales: [Float], limits: [Float]
    ) -> [[Int32]] {
        var (bytes, column) = (Column<UInt8>(), Column<Float>())
        bytes.grow(to: codes.count, filledWith: 0)
        column.grow(to: scales.count, filledWith: 0)
        defer { bytes.free() }
        defer { column.free() }
        for (place, code) in codes.enumerated() { bytes[place] = code }
        for (row, scale) in scales.enumerated() { column[row] = scale }
        let room = (limits.count + 1) * 16
        let found = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * room)
        defer { found.deallocate() }
        let findings = kernel.scan(
            codes: bytes.base, factors: query.count, query: query, scales: column.base,
            unscaled: scales.count == 16, limits: limits, blocks: limits.count,
            found: code_room(rows: found, products: found + room))
        #expect(findings.skipped == limits.count { $0 == .infinity })
        return (0..<findings.count).map { [found[$0], found[room + $0]] }
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
        for draw in 0..<6 {
            let blocks = 5
            // -127 ... 127, stored with an offset of 128; the first draws are all at one end.
            let codes = (0..<blocks * 16 * factors).map { _ -> UInt8 in
                draw == 0 ? 255 : draw == 1 ? 1 : UInt8(1 + random.next(below: 255))
            }
            let query = (0..<factors).map { _ -> Int8 in
                draw < 3 ? (draw == 2 ? -127 : 127) : Int8(random.next(below: 255) - 127)
            }
            let all = products(codes, query, factors: factors, blocks: blocks)
            let scales = all.indices.map { _ in Float(random.nextUnit()) * 0x1p-9 }
            let scaled = zip(all, scales).map { Float($0) * $1 }
            // All rows; some of them; none, though not skipped; skipped; the limit itself.
            let limits = [-.infinity, 0, Float.greatestFiniteMagnitude, .infinity, scaled[64]]
            let expected = all.indices.filter { scaled[$0] > limits[$0 / 16] }.map { [Int32($0), all[$0]] }
            #expect(scan(kernel, codes, query, scales, limits: limits) == expected)
            let ones = [Float](repeating: 1, count: 16)
            let plain = all.indices.filter { Float(all[$0]) > limits[$0 / 16] }.map { [Int32($0), all[$0]] }
            #expect(scan(kernel, codes, query, ones, limits: limits) == plain)
        }
    }
}
