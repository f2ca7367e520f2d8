internal import CScheduling

/// Who goes first where all cores are busy. What nobody waits for gives way to look-ups: learning, and writing the log
/// and checkpoints. It still takes every cycle that nobody else wants.
///
/// Where the system refuses or does not know such things, all threads are alike and everything works.
public enum ThreadPriority {
    /// About a tenth of the weight of a thread that gives way to nobody, and not nothing: on a machine that others keep
    /// busy for good, events are still learned.
    private static let nice: Int32 = 10
    /// Three times the weight of what learns: a client waits for its token, and an event that is in the log is safe.
    private static let appendingNice: Int32 = 5
    /// Two fifths of the weight of what learns: an event waits to show, and a checkpoint may take a little longer.
    private static let writingNice: Int32 = 14
    /// What whoever started the daemon gave it: all else goes down from there.
    private static let given = scheduling_process_nice()
    private static let niceMax: Int32 = 19
    /// Longer than most look-ups, and shorter than a usual slice.
    private static let sliceNanoseconds: UInt64 = 500_000

    /// For the calling thread. Dispatch's threads come and go, so each turn of such work says it again, which costs a
    /// fraction of a microsecond.
    public static func yieldToLookUps() {
        _ = scheduling_give_way(min(niceMax, given + nice))
    }

    /// The same for what takes events into the log, which learning gives way to.
    public static func appendEvents() {
        _ = scheduling_give_way(min(niceMax, given + appendingNice))
    }

    /// The same for what writes checkpoints, which gives way to learning too.
    public static func writeCheckpoints() {
        _ = scheduling_give_way(min(niceMax, given + writingNice))
    }

    /// The same for answers to those who ask for many at once: they wait for the last of them, and others for their only one.
    public static func answerPipelines() {
        _ = scheduling_give_way(appendingNice)
    }

    /// For the calling thread, once: it asks for short time slices, and so runs as soon as it is woken. Else it would
    /// wait for the end of whatever slice is running, which takes milliseconds.
    public static func answerLookUps() {
        _ = scheduling_set_slice(sliceNanoseconds)
    }
}
