import Foundation
import Instruments

/// What the system tells of this process, under the names that all of Prometheus's clients use.
enum ProcessMetrics {
    private static let page = Double(sysconf(Int32(_SC_PAGESIZE)))
    private static let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))

    /// Nothing where there is no `/proc`.
    static func write(to text: inout PrometheusText) {
        guard let line = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            // The second field, a name in brackets, may hold anything.
            let end = line.lastIndex(of: ")")
        else { return }
        // From the third of proc(5) on.
        let fields = line[line.index(after: end)...].split(separator: " ").map { Double($0) ?? 0 }
        guard fields.count > 21 else { return }
        func add(_ name: String, _ help: String, _ value: PrometheusText.Value) {
            text.family("process_\(name)", help: help, [([], value)])
        }
        add("cpu_seconds_total", "Processor time used.", .counter((fields[11] + fields[12]) / ticks))
        add("resident_memory_bytes", "Memory in RAM.", .gauge(fields[21] * page))
        add("virtual_memory_bytes", "Address space.", .gauge(fields[20]))
        add("threads", "Threads.", .gauge(fields[17]))
        if let boot = bootTime {
            add("start_time_seconds", "Since 1970.", .gauge(boot + fields[19] / ticks))
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            add("open_fds", "Open files and sockets.", .gauge(Double(open)))
        }
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        if getrlimit(resource, &limit) == 0 {
            add("max_fds", "Files and sockets that may be open.", .gauge(Double(limit.rlim_cur)))
        }
    }

    /// Seconds since 1970.
    private static var bootTime: Double? {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap {
            Double($0.dropFirst(6))
        }
    }
}
