import Foundation

/// What the processor offers, and how much of it this process may have.
enum ProcessorFindings {
    static var all: [Finding] {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let quota = try? String(contentsOfFile: "/sys/fs/cgroup/cpu.max", encoding: .utf8)
        return [
            features(ofProcessor: text), cores(ProcessInfo.processInfo.activeProcessorCount, quota: quota),
        ]
    }

    /// - Parameter text: as /proc/cpuinfo has it.
    static func features(ofProcessor text: String) -> Finding {
        let lines = text.split(separator: "\n").map { line in
            line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        }
        func value(_ name: String) -> String? { lines.first { $0.count == 2 && $0[0] == name }?[1] }
        let name = value("model name") ?? "a processor without a name"
        guard let flags = value("flags") else {
            return .ok("processor", "\(name); codes are compared by portable kernels")
        }
        let has = Set(flags.split(separator: " ").map(String.init))
        if ["avx512f", "avx512vl", "avx512_vnni"].allSatisfy(has.contains) {
            return .ok("processor", "\(name), AVX-512 VNNI: the fastest kernels")
        }
        if has.contains("avx2") { return .ok("processor", "\(name), AVX2") }
        return .warning(
            "processor",
            "\(name) has no AVX2: learning and look-ups take portable kernels, several times slower",
            "in a virtual machine, pass the host's processor through (say -cpu host)")
    }

    /// - Parameter quota: as cgroup's cpu.max has it: `max 100000`, or microseconds of each so many.
    static func cores(_ count: Int, quota: String?) -> Finding {
        let parts = quota?.split(whereSeparator: \.isWhitespace).compactMap { Double($0) } ?? []
        let share = parts.count == 2 && parts[1] > 0 ? parts[0] / parts[1] : Double(count)
        let words = count == 1 ? "1 core" : "\(count) cores"
        guard share >= 1 else {
            return .warning(
                "cores",
                "\(words), of which the control group grants \(share.formatted()): look-ups wait whenever it is used up",
                "grant it a whole core or more (CPUQuota of the unit, cpus of the container)")
        }
        if share < Double(count) {
            return .ok("cores", "\(words), of which the control group grants \(share.formatted())")
        }
        return .ok("cores", count == 1 ? "1 core: look-ups go first, and learning waits for them" : words)
    }
}
