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

    /// A limit that no product exceeds: the block is passed over unread.
    static let skip = Int32.max

    /// The first block of `blocks` where a product exceeds the block's limit, its products left in `products`; the end
    /// of the range if there is none. The layout of `codes` is told in CKernels.h.
    @inline(__always)
    func next(
        codes: UnsafePointer<UInt8>, factors: Int, query: UnsafePointer<Int8>, limits: UnsafePointer<Int32>,
        blocks: Range<Int>, products: UnsafeMutablePointer<Int32>
    ) -> Int {
        code_kernel_next(
            variant, codes, factors, query, limits, blocks.lowerBound, blocks.upperBound, products)
    }
}
