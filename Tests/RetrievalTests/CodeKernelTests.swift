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
        _ kernel: CodeKernel, _ codes: [UInt8], _ query: [Int8], factors: Int, limits: [Int32]
    ) -> [[Int32]] {
        let aligned = UnsafeMutableRawPointer.allocate(byteCount: codes.count, alignment: 64)
        defer { aligned.deallocate() }
        codes.withUnsafeBytes { aligned.copyMemory(from: $0.baseAddress!, byteCount: codes.count) }
        let found = UnsafeMutablePointer<code_product>.allocate(capacity: limits.count * 16)
        defer { found.deallocate() }
        return kernel.scan(
            codes: aligned.assumingMemoryBound(to: UInt8.self), factors: factors, query: query,
            limits: limits,
            blocks: limits.count, found: found
        ).map { [$0.row, $0.product] }
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
            // All rows; some of them; none, though not skipped; skipped; the limit itself.
            let limits = [Int32.min, 0, Int32.max - 1, CodeKernel.skip, all[64]]
            let expected = all.indices.filter { all[$0] > limits[$0 / 16] }.map { [Int32($0), all[$0]] }
            #expect(scan(kernel, codes, query, factors: factors, limits: limits) == expected)
        }
    }
}
