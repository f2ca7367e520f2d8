internal import CZlib

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Bytes of a file or of standard input, unpacked where they are gzip.
///
/// Reads with `read` and unpacks with `inflate`. zlib's `gzread` would be less code, but on a pipe it waits
/// until its buffer is full, and an event that arrives alone has to be passed on at once.
final class ByteSource {
    /// Size of the file, where it is one.
    let size: Int?
    /// Bytes taken from the file so far, before unpacking.
    private(set) var bytesRead = 0
    /// Whether the last `read` gave nothing because the reader was told to stop.
    private(set) var wasCancelled = false
    /// What to say of the file though it was read.
    private(set) var warning: String?

    private let path: String
    private let descriptor: CInt
    private let isCancelled: @Sendable () -> Bool
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    /// What is in `input` and not yet handed out.
    private var available = 0..<0
    private var inflater: Inflater?
    private var isStarted = false

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - isCancelled: asked while waiting for a pipe; once true, `read` gives nothing more.
    init(path: String, isCancelled: @escaping @Sendable () -> Bool) throws(EventFileError) {
        self.path = path
        self.isCancelled = isCancelled
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            input.deallocate()
            throw EventFileError(path: path, "cannot be opened: \(Self.errorText())")
        }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        size = isKnown && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
        if isKnown, status.st_mode & S_IFMT == S_IFDIR {
            // All is initialized by here, so `deinit` runs and lets go.
            throw EventFileError(path: path, "is a folder; name a file in it")
        }
    }

    deinit {
        close(descriptor)
        input.deallocate()
    }

    /// Fills part of `target`, as soon as there is anything; 0 at the end.
    func read(into target: UnsafeMutableRawBufferPointer) throws(EventFileError) -> Int {
        if !isStarted { try start() }
        guard inflater != nil else { return try copy(into: target) }
        return try unpack(into: target)
    }

    /// Looks for gzip's two magic bytes.
    private func start() throws(EventFileError) {
        isStarted = true
        while available.count < 2 {
            guard try refill() else { return }
        }
        if input[available.lowerBound] == 0x1F, input[available.lowerBound + 1] == 0x8B {
            inflater = Inflater()
        }
    }

    private func copy(into target: UnsafeMutableRawBufferPointer) throws(EventFileError) -> Int {
        if available.isEmpty, try !refill() { return 0 }
        let count = min(available.count, target.count)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[available.prefix(count)]))
        available = (available.lowerBound + count)..<available.upperBound
        return count
    }

    private func unpack(into target: UnsafeMutableRawBufferPointer) throws(EventFileError) -> Int {
        guard let inflater else { return 0 }
        while true {
            if available.isEmpty, try !refill() {
                guard inflater.isAtEnd || wasCancelled else {
                    throw EventFileError(
                        path: path, "ends in the middle of its gzip data; is the copy complete?")
                }
                return 0
            }
            if inflater.isAtEnd, try !beginsMember() { return 0 }
            let packed = UnsafeMutableRawBufferPointer(rebasing: input[available])
            guard let step = inflater.inflate(packed, into: target) else {
                throw EventFileError(path: path, "holds damaged gzip data: \(inflater.problem)")
            }
            available = (available.lowerBound + step.consumed)..<available.upperBound
            if step.produced > 0 { return step.produced }
        }
    }

    /// Whether another gzip member follows. Zeros and blanks, which tapes, block devices and careless scripts add, are
    /// read to the end with a warning; anything else there would be lost without a word, so it is an error.
    private func beginsMember() throws(EventFileError) -> Bool {
        while available.count < 2 {
            guard try refill() else { break }
        }
        if available.count >= 2, input[available.lowerBound] == 0x1F, input[available.lowerBound + 1] == 0x8B
        {
            return true
        }
        let padding: [UInt8] = [0x00, 0x09, 0x0A, 0x0D, 0x1A, 0x20]
        var count = 0
        repeat {
            guard input[available].allSatisfy({ padding.contains($0) }) else {
                throw EventFileError(
                    path: path,
                    "holds something behind its gzip data that is not gzip; was it cut or added to?")
            }
            count += available.count
            available = 0..<0
        } while try refill()
        warning = "\(count) bytes of zeros or blanks behind the gzip data are passed over"
        return false
    }

    /// Adds what is there to `input`; false at the end.
    private func refill() throws(EventFileError) -> Bool {
        if available.lowerBound > 0 {
            input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[available]))
            available = 0..<available.count
        }
        guard waitUntilReadable() else { return false }
        while true {
            let free = UnsafeMutableRawBufferPointer(rebasing: input[available.upperBound...])
            let count = systemRead(descriptor, free)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw EventFileError(path: path, "cannot be read: \(Self.errorText())") }
            available = available.lowerBound..<(available.upperBound + count)
            bytesRead += count
            return count > 0
        }
    }

    /// Waits in slices, so that Ctrl-C is heard while a pipe is silent.
    private func waitUntilReadable() -> Bool {
        guard size == nil else { return true }
        let sliceMs: CInt = 100
        while !isCancelled() {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&wanted, 1, sliceMs) > 0 { return true }
        }
        wasCancelled = true
        return false
    }

    private static func errorText() -> String { String(cString: strerror(errno)) }
}

private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

/// zlib's inflate over any number of gzip members.
private final class Inflater {
    /// On the heap, because zlib keeps a pointer to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    /// Between two members: here the data may end.
    private(set) var isAtEnd = false

    init() {
        stream.initialize(to: z_stream())
        let gzipOnly: CInt = 15 + 16
        inflateInit2_(stream, gzipOnly, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    var problem: String { stream.pointee.msg.map { String(cString: $0) } ?? "zlib gives no reason" }

    /// `nil` when the data is damaged.
    func inflate(
        _ packed: UnsafeMutableRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) -> (consumed: Int, produced: Int)? {
        if isAtEnd {
            inflateReset(stream)
            isAtEnd = false
        }
        stream.pointee.next_in = packed.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(packed.count)
        stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(target.count)
        let code = CZlib.inflate(stream, Z_NO_FLUSH)
        guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { return nil }
        isAtEnd = code == Z_STREAM_END
        return (packed.count - Int(stream.pointee.avail_in), target.count - Int(stream.pointee.avail_out))
    }
}
