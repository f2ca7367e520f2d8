import CSystemCalls
import Foundation

/// The time of day: the times of events without one come from it, and Kafka's retention goes by it.
enum ClockFindings {
    static var all: [Finding] { [finding(isSynchronised: isSynchronised, now: Date())] }

    /// What the kernel was told by whatever keeps the time; `nil` where it cannot be asked.
    private static var isSynchronised: Bool? {
        switch system_clock_is_kept() {
        case 0: false
        case 1: true
        default: nil
        }
    }

    /// - Parameter isSynchronised: whether something keeps the clock; `nil` where nobody knows.
    static func finding(isSynchronised: Bool?, now: Date) -> Finding {
        let time = now.formatted(.iso8601)
        let (early, late) = (1_735_689_600.0, 4_102_444_800.0)  // 2025, 2100
        guard (early..<late).contains(now.timeIntervalSince1970) else {
            return .error(
                "clock", "it is \(time), says the clock", "set it; events without a time take theirs from it")
        }
        switch isSynchronised {
        case true?: return .ok("clock", "\(time), kept by a time service")
        case nil: return .ok("clock", time)
        case false?:
            return .warning(
                "clock", "\(time), and no time service keeps it",
                "start systemd-timesyncd or chrony (in a container: on its host)")
        }
    }
}
