internal import CSimdJSON
internal import CZlib

/// The libraries that events are read with, as they are linked.
package enum ReadingLibraries {
    /// Say `3.1.1, icelake`: the version, and the kernels it took for this processor.
    package static var simdJSON: String {
        "\(String(cString: simdjson_library_version())), \(String(cString: simdjson_library_kernels()))"
    }

    /// Say `1.2.13`.
    package static var zlib: String { zlibVersion().map { String(cString: $0) } ?? "unknown" }
}
