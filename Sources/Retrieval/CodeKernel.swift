internal import CKernels

/// Which instructions work out products of codes; all give the same integers.
public enum CodeKernel: String, Sendable, CaseIterable {
    case avx512VNNI = "avx512-vnni"
    case avx2
    case portable

    /// The fastest that this machine has.
    public static var best: CodeKernel { allCases.first(where: \.isSupported) ?? .portable }

    public var isSupported: Bool { code_kernel_is_supported(variant) }

    /// Without vector instructions a pass over the codes costs more than one over the floats.
    var beatsFloats: Bool { self != .portable }

    private var variant: code_kernel {
        switch self {
        case .avx512VNNI: CODE_KERNEL_AVX512_VNNI
        case .avx2: CODE_KERNEL_AVX2
        case .portable: CODE_KERNEL_PORTABLE
        }
    }

    static let rowsPerBlock = Int(CODE_BLOCK_ROWS)

    /// The rows whose product, times the row's scale, exceeds their block's limit: ascending, counted from the first
    /// block's first one; what was in `found` goes. The layout of `codes` and the size of `found` are told in CKernels.h.
    ///
    /// - Parameter unscaled: `scales` are 16 for all blocks, and not 16 for each.
    @inline(__always)
    func scan(
        codes: UnsafePointer<UInt8>, factors: Int, query: UnsafePointer<Int8>, scales: UnsafePointer<Float>,
        unscaled: Bool, limits: UnsafePointer<Float>, blocks: Int, found: code_room
    ) -> code_findings {
        code_kernel_scan(
            variant, codes, factors, query, scales, unscaled ? 0 : Self.rowsPerBlock, limits, blocks, found)
    }

    /// Works out the limits of blocks from their columns; see `ScoreBounds.setLimits`.
    @inline(__always)
    func setLimits(
        _ limits: UnsafeMutablePointer<Float>, of blocks: Int, _ order: limit_order,
        _ terms: inout limit_terms,
        _ columns: inout block_columns
    ) {
        block_limits(variant, order, &terms, &columns, limits, blocks)
    }
}
