internal import Events
internal import Foundation

/// A file in memory, written again for each input.
final class ScratchFile {
    let path: String

    init(_ name: String) throws {
        let folder = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        path = "\(folder)/freshet-fuzz-\(UUID().uuidString)-\(name)"
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw FuzzFinding(what: "cannot make \(path)", input: [])
        }
    }

    deinit { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }

    func write(_ bytes: [UInt8]) throws(FuzzFinding) { try Self.write(bytes, to: path) }

    static func write(_ bytes: [UInt8], to path: String) throws(FuzzFinding) {
        let descriptor = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0o600)
        defer { close(descriptor) }
        let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw FuzzFinding(what: "cannot write \(path)", input: bytes) }
    }
}

/// A file comes to an end, with at most an entry for each of its lines; what is taken keeps every limit.
struct FileTarget: FuzzTarget {
    private static let lines = 64
    private let forms: [(header: String, lines: [String])]
    private let mutation: ByteMutation
    private let file: ScratchFile
    private let options = EventOptions()

    init(_ format: EventFile.Format) throws {
        let common = [
            "\"", "\"\"", ",", ";", "\t", "|", "::", "\n", "\r", "\r\n", "\u{0}", "\u{FEFF}", "1e400", "-1",
            "nan", "\\N",
            "2262-04-11 23:47:16", "99999999999999999999", String(repeating: "x", count: 300), "\"\n", "é",
        ]
        switch format {
        case .csv:
            file = try ScratchFile("events.csv")
            forms = [
                (
                    "user,item,rating,ts,type,signal,title,tags,available,id",
                    [
                        "u1,i1,4.5,1260759144,,,,,,", "u1,i1,,1260759144000,signal,click,,,,e1",
                        ",i1,,,item,,\"Toy, \"\"Story\"\"\",a|b,1,", "u1,,,,forget,,,,,",
                        "u1,,,,user,,,F|age:25,,",
                    ]
                ), ("user;item;rating", ["u1;i1;4,5", "u2;\"i;2\";3"]), ("item\tuser\trating", ["i1\tu1\t3"]),
            ]
        case .movielens:
            file = try ScratchFile("ratings.csv")
            forms = [
                ("userId,movieId,rating,timestamp", ["1,31,2.5,1260759144", "1,1029,3.0,1260759179"]),
                (
                    "movieId,title,genres",
                    ["1,Toy Story (1995),Adventure|Animation", "2,\"Jumanji, x\",Adventure"]
                ),
                ("1::1193::5::978300760", ["1::661::3::978302109", "2::1357::5::978298709"]),
                ("196\t242\t3\t881250949", ["186\t302\t3\t891717742"]),
            ]
        case .jsonl:
            file = try ScratchFile("events.jsonl")
            forms = [
                (
                    #"{"user":"u","item":"i","rating":1}"#,
                    EventPieces.seeds.map { String(decoding: $0, as: UTF8.self) }
                ),
                ("[", EventPieces.seeds.map { String(decoding: $0, as: UTF8.self) + "," }),
            ]
        }
        mutation = format == .jsonl ? EventPieces.mutation : ByteMutation(common)
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        let (header, lines) = numbers.pick(forms)
        var bytes = Array(header.utf8)
        if numbers.happens(oneIn: 6) { mutation.change(&bytes, times: 1, &numbers) }
        bytes.append(0x0A)
        for _ in 0..<Self.lines {
            var line = Array(numbers.pick(lines).utf8)
            if !numbers.happens(oneIn: 4) { mutation.change(&line, times: 1 + numbers.below(3), &numbers) }
            bytes += line
            bytes.append(0x0A)
        }
        if numbers.happens(oneIn: 4) { bytes.removeLast(numbers.below(min(bytes.count, 40))) }
        try file.write(bytes)
        return (Self.lines, try read(bytes))
    }

    private func read(_ bytes: [UInt8]) throws(FuzzFinding) -> Int {
        // One for each line, and one for what is cut off in the end; JSON may have several on a line.
        let entriesMax = bytes.count { $0 == 0x0A || $0 == 0x0D || $0 == UInt8(ascii: "{") } + 2
        var (entries, taken) = (0, 0)
        do throws(EventFileError) {
            let events = try EventFile.open(file.path, options: options)
            while let entry = try events.next() {
                entries += 1
                guard entries <= entriesMax else { break }
                guard case .event(let event) = entry else { continue }
                taken += 1
                guard (try? options.check(event)) != nil else {
                    throw EventFileError(path: "", "an event beyond a limit was taken: \(event)")
                }
            }
        } catch {
            // A file that is none of these is refused as a whole.
            if "\(error)".contains("beyond a limit") { throw FuzzFinding(what: "\(error)", input: bytes) }
        }
        guard entries <= entriesMax else {
            throw FuzzFinding(what: "more than \(entriesMax) entries", input: bytes)
        }
        return taken
    }
}
