#if os(Linux)
    internal import Glibc
#endif

/// What nobody waits for gives way to look-ups: the threads that learn, and those that write the log and checkpoints,
/// run at a higher nice value than those that answer, so that on a busy machine a look-up does not wait for their time
/// slices. They still take every cycle that nobody else wants.
public enum ThreadPriority {
    private static let nice: Int32 = 5

    /// For the calling thread. Dispatch's threads come and go, so each turn of such work says it again, which costs a
    /// fraction of a microsecond. Elsewhere than on Linux a nice value is the process's, and is left alone.
    public static func yieldToLookUps() {
        #if os(Linux)
            // To 0 means the calling thread. Refused, the work goes on as it is.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, nice)
        #endif
    }
}
