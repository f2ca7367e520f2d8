internal import BenchmarkSupport
internal import Foundation
internal import Locking
internal import Retrieval

/// Look-ups in the index of this process, from several threads at once.
struct InProcessLookups {
    let catalogue: InventedCatalogue
    let count: Int
    let seconds: Double

    /// Asks for `seconds`, by one path or by whichever serves.
    func measure(concurrency: Int, path: ScanPath?) -> LookupResult {
        let total = Lock(Latencies())
        let group = DispatchGroup()
        let clock = ContinuousClock()
        let start = clock.now
        for number in 0..<concurrency {
            group.enter()
            Thread {
                let latencies = ask(
                    from: number * 7, path: path, until: start.advanced(by: .seconds(seconds)))
                total.withLock { $0.add(latencies) }
                group.leave()
            }.start()
        }
        group.wait()
        let elapsed = start.duration(to: clock.now).seconds
        let served = path ?? catalogue.index.read { answer($0, 0, nil).path }
        return total.withLock { latencies in
            latencies.result(
                part: "in process", items: catalogue.items, name: served.rawValue, concurrency: concurrency,
                seconds: elapsed)
        }
    }

    private func ask(from first: Int, path: ScanPath?, until end: ContinuousClock.Instant) -> Latencies {
        let clock = ContinuousClock()
        var (latencies, number, now) = (Latencies(), first, clock.now)
        repeat {
            catalogue.index.read { _ = answer($0, number, path) }
            let then = clock.now
            latencies.record(now.duration(to: then))
            (now, number) = (then, number + 1)
        } while now < end
        return latencies
    }

    private func answer(_ view: borrowing IndexView, _ number: Int, _ path: ScanPath?) -> TopAnswer {
        let place = number % catalogue.queries.count
        return view.answer(
            count, query: catalogue.queries[place], filter: catalogue.filters[place], path: path)
    }
}

/// The same vectors and queries, given to another program that prints a `LookupResult` a line.
struct OtherLibraries {
    /// Run by the shell, with the folder of the files and the number of factors and of items asked for after it.
    let command: String

    func measure(_ catalogue: InventedCatalogue, count: Int) throws -> [LookupResult] {
        let folder = FileManager.default.temporaryDirectory.path + "/freshet-lookups-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(catalogue.vectors, folder + "/items.f32")
        try write(catalogue.queries.flatMap { $0 }, folder + "/queries.f32")
        try write(catalogue.seen.flatMap { $0 }, folder + "/seen.i32")
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec \(command) '\(folder)' \(catalogue.factors) \(count)"]
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return [] }
        return text.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONDecoder().decode(LookupResult.self, from: Data($0))
        }
    }

    private func write(_ values: [some BitwiseCopyable], _ path: String) throws {
        try values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
    }
}
