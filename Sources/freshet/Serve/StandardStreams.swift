import Foundation

/// Descriptors 0, 1 and 2.
enum StandardStreams {
    /// Opens /dev/null in the place of those that were closed by whoever started the process. Else the next file opened
    /// would get such a number, and lines for standard error would be written into it.
    static func open() {
        while true {
            let descriptor = Foundation.open("/dev/null", O_RDWR)
            guard descriptor >= 0 else { return }
            if descriptor > STDERR_FILENO {
                close(descriptor)
                return
            }
        }
    }
}
