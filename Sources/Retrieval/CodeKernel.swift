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

    /// The rows whose product with the query, times the row's scale, exceeds their block's limit: ascending, counted from
    /// the first block's first one; what was in `found` goes. CKernels.h tells the layout of all.
    @inline(__always)
    func scan(
        _ codes: inout code_planes, query: UnsafePointer<Int8>, _ limits: inout code_limits, found: code_room
    ) -> code_findings {
        code_kernel_scan(variant, &codes, query, &limits, found)
    }

    /// How many rows score more than the terms' score, and in `found` those of which codes do not tell.
    func count(
        _ codes: inout code_planes, query: UnsafePointer<Int8>, _ limits: inout code_limits,
        _ terms: inout standing_terms, _ columns: inout standing_columns, found: code_room
    ) -> code_counts {
        code_kernel_count(variant, &codes, query, &limits, &terms, &columns, found)
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
