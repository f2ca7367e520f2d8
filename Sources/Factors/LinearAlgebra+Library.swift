internal import COpenBLAS

extension LinearAlgebra {
    /// OpenBLAS in its own words: version, how it was built, and the processor it took this one for.
    package static var library: String {
        let build = openblas_get_config().map { String(cString: $0) } ?? "OpenBLAS"
        let core = openblas_get_corename().map { String(cString: $0) } ?? "unknown"
        // Built for many processors, it names the one it found last: say so once.
        let words = build.split(separator: " ").filter { $0 != core[...] }.joined(separator: " ")
        return "\(words), kernels for \(core)"
    }
}
