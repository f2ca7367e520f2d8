public import Events
import Reporting

/// The files of one `feed`, as one sequence of events.
///
/// Files are read whole and put in the order of time, descriptions first, what several files say of one item together; standard input, JSONL and, when asked for,
/// all files are passed on as they come.
public struct FeedSource {
    /// Which files, and how they are read.
    public struct Options: Sendable {
        /// In the order given; `-` is standard input.
        public var paths: [String]
        /// `nil` guesses by name and first line.
        public var format: EventFile.Format?
        /// Whether the events of files are put in the order of time, descriptions first.
        public var sorts: Bool
        /// Stops at the first bad line.
        public var isStrict: Bool

        /// - Parameters:
        ///   - paths: `-` is standard input.
        ///   - format: `nil` guesses by name and first line.
        public init(
            paths: [String], format: EventFile.Format? = nil, sorts: Bool = true, isStrict: Bool = false
        ) {
            (self.paths, self.format, self.sorts, self.isStrict) = (paths, format, sorts, isStrict)
        }
    }

    /// Lines so far that were no events.
    public private(set) var badLines = 0
    /// Files whose last line has no line break.
    public private(set) var endedInMidLine: [String] = []
    /// The first few of the bad lines.
    public private(set) var firstBadLines: [BadLine] = []
    /// What to say of the files that have ended, though their events are taken.
    public private(set) var warnings: [String] = []
    /// Where the event was read that `next` gave last.
    public private(set) var lastPlace: EventPlace?
    /// Once the input could not be read on: the line that comes first of what was not read.
    public private(set) var faultPlace: EventPlace?
    private var sorted: [Event]
    private var places: [EventPlace] = []
    private var place = 0
    /// Where they begin, if somebody interrupted before all of them were read.
    private var sortingCut: EventPlace?
    private var reading = ReadingPlace()
    private static let firstBadLinesMax = 3
    private var streams: [EventFile]
    private let isStrict: Bool
    private let isCancelled: @Sendable () -> Bool
    private let onBadLine: (BadLine) -> Void

    /// Opens the files and reads what has to be sorted: all of it, or nothing is fed.
    ///
    /// - Parameters:
    ///   - events: the limits that an event must keep.
    ///   - isCancelled: once it is so, reading ends as if the files did.
    ///   - onBadLine: hears of each line that is no event.
    /// - Throws: `EventFileError` for a file that cannot be opened, is of no known format, or has to be sorted and cannot be read;
    ///   `CommandError` for a bad line of one that is sorted where `isStrict`.
    public init(
        _ options: Options, events: EventOptions, isCancelled: @escaping @Sendable () -> Bool,
        onBadLine: @escaping (BadLine) -> Void
    ) throws {
        isStrict = options.isStrict
        self.isCancelled = isCancelled
        self.onBadLine = onBadLine
        let files = try options.paths.map { path in
            try EventFile.open(path, format: options.format, options: events, isCancelled: isCancelled)
        }
        streams = files.filter { !options.sorts || $0.isStream }
        sorted = []
        try readSorted(files.filter { options.sorts && !$0.isStream })
        let order = Self.orderOfTime(sorted)
        (sorted, places) = (order.map { sorted[$0] }, order.map { places[$0] })
    }

    private mutating func readSorted(_ files: [EventFile]) throws {
        var merging = DescriptionMerging()
        for (number, file) in files.enumerated() {
            while !isCancelled(), let event = try nextEvent(of: file) {
                sorted.append(merging.merged(event, ofFile: number))
                places.append(EventPlace(path: file.path, line: file.line))
            }
        }
        guard isCancelled(), let first = files.first else { return }
        sortingCut = EventPlace(path: first.path, line: 1)
    }

    /// Events already here; `nil` where more will come from streams.
    public var total: Int? { streams.isEmpty ? sorted.count : nil }

    /// Whether `next` will not wait for input.
    public var hasNext: Bool { place < sorted.count || streams.first?.hasNext ?? true }

    /// Part, from 0 to 1, of the input already taken, where that can be known.
    public var fraction: Double? {
        if let total { return total > 0 ? Double(place) / Double(total) : 1 }
        return streams.count == 1 ? streams.first?.fractionRead : nil
    }

    /// The next event, `nil` at the end; waits for input where a stream has none yet.
    ///
    /// - Throws: once all that was read before is given: `EventFileError` for a file that cannot be read on,
    ///   `CommandError` for a bad line where `isStrict`. Then there is a `faultPlace`.
    public mutating func next() throws -> Event? {
        if place < sorted.count {
            defer { place += 1 }
            lastPlace = places[place]
            return sorted[place]
        }
        while let file = streams.first {
            if let event = try nextEvent(of: file) {
                lastPlace = EventPlace(path: file.path, line: file.line)
                return event
            }
            // Told to stop, it has not come to its end, and those behind it are not asked for any more.
            if isCancelled(), Self.isPipe(file) { return nil }
            streams.removeFirst()
        }
        return nil
    }

    /// For whoever was interrupted: the line of the first event that `next` has not given, in the order of sending; `nil`
    /// where all files have come to their end. Standard input, which cannot be read again, is not asked for.
    ///
    /// Looks for that event, and nothing is to be asked for after it.
    public mutating func placeToGoOn() -> EventPlace? {
        if let sortingCut { return sortingCut }
        if place < sorted.count { return places[place] }
        if let faultPlace { return faultPlace }
        for file in streams where file.path != "-" {
            if let place = nextPlace(in: file) { return place }
        }
        return nil
    }

    private mutating func nextPlace(in file: EventFile) -> EventPlace? {
        do {
            if try nextEvent(of: file) != nil { return EventPlace(path: file.path, line: file.line) }
        } catch {
            return faultPlace
        }
        return Self.isPipe(file) ? reading.next(in: file) : nil
    }

    private static func isPipe(_ file: EventFile) -> Bool { file.fractionRead == nil }

    private mutating func nextEvent(of file: EventFile) throws -> Event? {
        while let entry = try nextEntry(of: file) {
            switch entry {
            case .event(let event): return event
            case .bad(let line): try passOver(line)
            }
        }
        if file.endsInMidLine { endedInMidLine.append(file.path) }
        warnings += file.warnings
        return nil
    }

    private mutating func nextEntry(of file: EventFile) throws(EventFileError) -> EventFile.Entry? {
        do throws(EventFileError) {
            let entry = try file.next()
            if entry != nil { reading.note(file) }
            return entry
        } catch {
            faultPlace = reading.next(in: file)
            throw error
        }
    }

    private mutating func passOver(_ line: BadLine) throws(CommandError) {
        badLines += 1
        if firstBadLines.count < Self.firstBadLinesMax { firstBadLines.append(line) }
        guard !isStrict else {
            faultPlace = EventPlace(path: line.path, line: line.line)
            throw CommandError("\(line)", code: .data)
        }
        onBadLine(line)
    }

    /// Descriptions first, then by time; stable, and an event without a time stays behind the one it followed.
    public static func inOrderOfTime(_ events: [Event]) -> [Event] {
        orderOfTime(events).map { events[$0] }
    }

    private static func orderOfTime(_ events: [Event]) -> [Int] {
        var last = Int64.min
        let times = events.map { event in
            switch event.kind {
            case .item, .user: return Int64.min
            default: break
            }
            last = event.time ?? last
            return last
        }
        // The place decides between equal times: the standard library does not promise a stable sort.
        return events.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    }
}

/// How far the file is read that is being read.
private struct ReadingPlace {
    private var file: EventFile?
    /// On which what was read last begins, and whether what was read before that begins there too.
    private var line = 0
    private var sharesLine = false

    /// One more event, or line that is none, was read.
    mutating func note(_ file: EventFile) {
        sharesLine = file === self.file && file.line == line
        (self.file, line) = (file, file.line)
    }

    /// The line behind what was read last; the same line where events stand side by side.
    func next(in file: EventFile) -> EventPlace {
        let next = file === self.file ? (sharesLine ? line : line + 1) : 1
        // What the file could not read to its end may begin further on.
        return EventPlace(path: file.path, line: max(next, file.line))
    }
}
