internal import CScheduling

#if os(Linux)
    internal import Glibc
#endif

/// What nobody waits for gives way to look-ups: the threads that learn, and those that write the log and checkpoints,
/// run at a higher nice value than those that answer, so that on a busy machine a look-up does not wait for their time
/// slices. They still take every cycle that nobody else wants.
public enum ThreadPriority {
    private static let nice: Int32 = 5
    private static let sliceNanoseconds: UInt64 = 100_000

    /// For the calling thread, once: it asks for short time slices, and so runs as soon as it is woken. It sleeps between
    /// look-ups, and would else wait for the end of whatever slice is running, milliseconds where all cores are busy.
    public static func answerLookUps() {
        // Refused, or unknown to an older kernel: look-ups take their turn like everybody.
        _ = scheduling_set_slice(sliceNanoseconds)
    }

    /// For the calling thread. Dispatch's threads come and go, so each turn of such work says it again, which costs a
    /// fraction of a microsecond. Elsewhere than on Linux a nice value is the process's, and is left alone.
    public static func yieldToLookUps() {
        #if os(Linux)
            // To 0 means the calling thread. Refused, the work goes on as it is.
            _ = scheduling_set_batch(nice)
        #endif
    }
}
