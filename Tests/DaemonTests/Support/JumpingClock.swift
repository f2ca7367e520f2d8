import Foundation
import TestSupport

/// A wall clock that a test may set, for a process that is started with `variables`.
///
/// A library put before glibc, which adds to the time of day what stands in a file; the clocks that run on are left alone.
/// Waits to a time of day, of which librdkafka has some, do not jump with it.
final class JumpingClock {
    private let file: String
    let variables: [String]

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static long offset(void) {
            char text[32] = {0};
            const char *path = getenv("JUMPING_CLOCK");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return 0;
            ssize_t count = read(file, text, sizeof text - 1);
            close(file);
            return count > 0 ? atol(text) : 0;
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            int code = (int)syscall(SYS_clock_gettime, clock, time);
            if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += offset();
            return code;
        }

        int gettimeofday(struct timeval *restrict time, void *restrict zone) {
            struct timespec now;
            if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *result) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (result) *result = now.tv_sec;
            return now.tv_sec;
        }
        """

    /// `nil`, said on standard output, where there is no C compiler.
    init?(in folder: TestFolder) throws {
        file = folder.path("clock")
        let (source, library) = (folder.path("clock.c"), folder.path("clock.so"))
        variables = ["LD_PRELOAD=\(library)", "JUMPING_CLOCK=\(file)"]
        guard
            let compiler = ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"].first(where: {
                FileManager.default.isExecutableFile(atPath: $0)
            })
        else {
            print("skipped: no C compiler")
            return nil
        }
        try Self.source.write(toFile: source, atomically: true, encoding: .utf8)
        let output = folder.path("clock.out")
        let ending = try ChildProcess(
            [compiler, "-shared", "-fPIC", "-O1", "-o", library, source], output: output
        ).wait()
        guard ending == .exit(0) else { throw TestFailure(try FreshetBinary.text(of: output)) }
        try set(days: 0)
    }

    /// Days ahead of the true time; behind it where negative.
    func set(days: Int) throws {
        try "\(days * 86_400)\n".write(toFile: file, atomically: true, encoding: .utf8)
    }
}
