internal import Foundation

/// Memory of this process that is in RAM.
package enum ResidentMemory {
    /// In bytes; `nil` where the system has no `/proc`.
    package static var bytes: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
    }
}
