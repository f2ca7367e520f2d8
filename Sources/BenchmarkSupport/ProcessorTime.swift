internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

/// Processor time in seconds, user and system, as Linux tells it in ticks of a hundredth.
package enum ProcessorTime {
    package static var ofThisProcess: Double { ofProcess(Int(getpid())) }

    package static func ofProcess(_ number: Int) -> Double { read("/proc/\(number)/stat")?.seconds ?? 0 }

    /// Of the threads of this process whose names begin so.
    package static func ofThreads(named prefix: String) -> Double {
        let folder = "/proc/self/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.compactMap { read("\(folder)/\($0)/stat") }
            .filter { $0.name.hasPrefix(prefix) }.reduce(0) { $0 + $1.seconds }
    }

    private static func read(_ path: String) -> (name: Substring, seconds: Double)? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let start = text.firstIndex(of: "("),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            return nil
        }
        return (text[text.index(after: start)..<end], (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))
    }
}
