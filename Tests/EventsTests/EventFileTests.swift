import Events
import Foundation
import Testing

@Suite("Reading events from files")
struct EventFileTests {
    @Test("MovieLens ratings are read by column name, times in seconds become milliseconds")
    func ratingsCSV() throws {
        let entries = try read("ratings.csv", "timestamp,extra,rating,movieId,userId\n964982703,x,4.5,50,1\n")
        #expect(entries == [.event(try rating("1", "50", 4.5, 964_982_703_000))])
    }

    @Test("MovieLens .dat ratings are read")
    func ratingsDat() throws {
        let entries = try read("ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n")
        let expected = [
            try rating("1", "1193", 5, 978_300_760_000), try rating("1", "661", 3, 978_302_109_000),
        ]
        #expect(entries == expected.map { .event($0) })
    }

    @Test("movies become items with title and genres; quoted titles keep their commas and quotes")
    func moviesCSV() throws {
        let entries = try read(
            "movies.csv",
            #"""
            movieId,title,genres
            11,"American President, The (1995)",Comedy|Drama|Romance
            12,"""Quoted"" – ça (1999)",(no genres listed)
            """#)
        #expect(
            entries == [
                try item("11", "American President, The (1995)", ["Comedy", "Drama", "Romance"]),
                try item("12", "\"Quoted\" – ça (1999)", []),
            ])
    }

    @Test("movies.dat is read as Latin-1, and as UTF-8 where it is that")
    func moviesDat() throws {
        let latin1 = Array("73::Mis".utf8) + [0xE9] + Array("rables, Les (1995)::Drama|Musical\n".utf8)
        #expect(
            try read("movies.dat", latin1) == [
                try item("73", "Misérables, Les (1995)", ["Drama", "Musical"])
            ])
        #expect(
            try read("movies.dat", "73::Misérables::Drama\n") == [try item("73", "Misérables", ["Drama"])])
    }

    @Test("CSV is read under the configured names")
    func csv() throws {
        var options = EventOptions()
        options.fields.user = "customer"
        let text = """
            type,customer,item,rating,ts,signal,title,tags,available
            ,u,i,3.5,12,,,,
            signal,u,i,,13,click,,,
            retract,u,i,,,,,,
            hide,u,i,,14,,,,
            unhide,u,i,,,,,,
            forget,u,,,,,,,
            item,,i,,,,"A, B",x|y,0
            """
        let user = try id("u")
        let thing = try id("i")
        #expect(
            try read("a.csv", text, options: options) == [
                .event(Event(.rating(user: user, item: thing, value: 3.5), time: 12_000)),
                .event(Event(.signal(user: user, item: thing, name: "click"), time: 13_000)),
                .event(Event(.retract(user: user, item: thing))),
                .event(Event(.hide(user: user, item: thing), time: 14_000)),
                .event(Event(.unhide(user: user, item: thing))),
                .event(Event(.forget(user: user))),
                .event(
                    Event(
                        .item(
                            ItemDescription(item: thing, title: "A, B", tags: ["x", "y"], available: false)))),
            ])
    }

    @Test("the format is guessed by name, else by the first line")
    func guessing() throws {
        let cases: [(name: String, text: String, format: EventFile.Format)] = [
            ("a.jsonl", "", .jsonl), ("a", #"{"user":1,"item":1,"rating":1}"#, .jsonl),
            ("b", "1::2::3::4\n", .movielens), ("c.csv", "userId,movieId,rating,timestamp\n", .movielens),
            ("d.csv", "user,item,rating\n", .csv), ("RATINGS.DAT", "1::2::3::4\n", .movielens),
        ]
        for (name, text, format) in cases {
            let guessed = try withFile(name, Array(text.utf8)) { path in
                try EventFile.open(path, options: EventOptions()).format
            }
            #expect(guessed == format, "\(name)")
        }
    }

    @Test(
        "files that hold no events are refused with what to feed instead",
        arguments: [
            ("users.dat", "1::?::1::10::48067\n"), ("tags.csv", "userId,movieId,tag,timestamp\n"),
            ("links.csv", "movieId,imdbId,tmdbId\n"), ("x.csv", "movieId,imdbId,tmdbId\n"),
            ("x.dat", "1::2::1::10::48067\n"),
        ])
    func otherFiles(name: String, text: String) throws {
        let error = #expect(throws: EventFileError.self) { try read(name, text) }
        #expect(
            error?.message.contains("feed ratings.*") == true && error?.message.contains("instead") == true)
    }

    @Test("what cannot be opened or recognized says which file and why")
    func unreadable() throws {
        let options = EventOptions()
        let missing = #expect(throws: EventFileError.self) {
            try EventFile.open("/nonexistent/x.csv", options: options)
        }
        #expect(missing?.description == "/nonexistent/x.csv: cannot be opened: No such file or directory")
        let folder = #expect(throws: EventFileError.self) { try EventFile.open("/", options: options) }
        #expect(folder?.message == "is a folder; name a file in it")
        let unknown = #expect(throws: EventFileError.self) { try read("x.txt", "hello world\n") }
        #expect(unknown?.message.contains("format not recognized") == true)
    }

    @Test("a bad line is reported with its number and the rest goes on")
    func badLines() throws {
        let text = """
            userId,movieId,rating,timestamp
            1,1,4.0,964982703
            1,2,five,964982703
            1,3,4.0
            1,4,NaN,964982703
            1,5,4.0,99999999999999999

            1,,4.0,964982703
            1,6,4.0,964982703
            """
        let entries = try read("ratings.csv", text)
        #expect(badLineNumbers(entries) == [3, 4, 5, 6, 8])
        #expect(entries.last == .event(try rating("1", "6", 4, 964_982_703_000)))
        guard case .bad(let bad) = entries[1] else { throw Unexpected() }
        #expect(bad.description.contains("ratings.csv:3: field 'rating' is 'five'; allowed is a number"))
    }

    @Test("a quote never closed costs its own line only")
    func unclosedQuote() throws {
        let rows = (2...200).map { "\($0),title \($0),Drama" }
        let text = (["movieId,title,genres", "1,\"open,Drama"] + rows).joined(separator: "\n")
        let entries = try read("movies.csv", text)
        #expect(badLineNumbers(entries) == [2])
        #expect(entries.count == 200)
    }

    @Test("a quoted line break belongs to the field")
    func quotedLineBreak() throws {
        let entries = try read(
            "movies.csv", "movieId,title,genres\r\n1,\"a\nb\",Drama\r\n2,c,\"x\"y\r\n3,d,\r\n")
        #expect(entries.first == (try item("1", "a\nb", ["Drama"])))
        #expect(badLineNumbers(entries) == [4])
        #expect(entries.last == (try item("3", "d", [])))
    }

    @Test("text that is not UTF-8 is refused, not repaired")
    func invalidUTF8() throws {
        let bytes = Array("user,item,rating\nu".utf8) + [0xFF] + Array(",i,3\nu,i,3\n".utf8)
        #expect(badLineNumbers(try read("a.csv", bytes)) == [2])
    }

    @Test("JSONL: a byte order mark, CRLF, empty lines and a last line without end are read")
    func jsonLines() throws {
        let text =
            "\u{FEFF}{\"user\":1,\"item\":1,\"rating\":1}\r\n\n  \n{\"user\":1,\"item\":2,\"rating\":1}"
        #expect(try read("a.jsonl", text).count == 2)
        #expect(badLineNumbers(try read("a.jsonl", text.dropLast(3) + "")) == [4])
    }

    @Test(
        "a line above the limit is read over, one at the limit is not", arguments: [65_536, 65_537, 400_000])
    func longLines(bytes: Int) throws {
        let good = #"{"user":1,"item":1,"rating":1}"#
        let text = [good, padded(good, bytes), good]
        let entries = try read("a.jsonl", text.joined(separator: "\n"))
        #expect(entries.count == 3)
        #expect(badLineNumbers(entries) == (bytes > 65_536 ? [2] : []))
    }

    /// Blanks within the object, which are part of the record.
    private func padded(_ json: String, _ bytes: Int) -> String {
        json.dropLast() + String(repeating: " ", count: bytes - json.utf8.count) + "}"
    }

    @Test("lines are cut right wherever the reads end")
    func manyLines() throws {
        let lines = (0..<20_000).map { number in
            let item = String(repeating: "x", count: number % 97 + 1)
            return #"{"user":\#(number),"item":"\#(item)","rating":1}"#
        }
        let entries = try read("a.jsonl", lines.joined(separator: "\n"))
        #expect(entries.count == 20_000)
        let users = entries.compactMap { entry in
            if case .event(let event) = entry { event.key.string } else { nil as String? }
        }
        #expect(users == (0..<20_000).map { String($0) })
    }

    @Test("the part read goes from 0 to 1")
    func fraction() throws {
        try withFile("a.jsonl", Array(#"{"user":1,"item":1,"rating":1}"#.utf8)) { path in
            let file = try EventFile.open(path, format: .jsonl, options: EventOptions())
            #expect(file.fractionRead == 0)
            while try file.next() != nil {}
            #expect(file.fractionRead == 1)
        }
    }
}

struct Unexpected: Error {}

func rating(_ user: String, _ item: String, _ value: Float, _ time: Int64) throws -> Event {
    Event(.rating(user: try id(user), item: try id(item), value: value), time: time)
}

func item(_ name: String, _ title: String, _ tags: [String]) throws -> EventFile.Entry {
    .event(Event(.item(ItemDescription(item: try id(name), title: title, tags: tags))))
}

func badLineNumbers(_ entries: [EventFile.Entry]) -> [Int] {
    entries.compactMap { entry in
        if case .bad(let bad) = entry { bad.line } else { nil }
    }
}

/// Calls `body` with the path of a file of this name, in a folder of its own.
func withFile<Result>(_ name: String, _ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: name)
    try Data(bytes).write(to: file)
    return try body(file.path)
}

func read(_ name: String, _ text: String, options: EventOptions = EventOptions()) throws -> [EventFile.Entry]
{
    try read(name, Array(text.utf8), options: options)
}

func read(
    _ name: String, _ bytes: [UInt8], options: EventOptions = EventOptions()
) throws -> [EventFile.Entry] {
    try withFile(name, bytes) { path in
        let file = try EventFile.open(path, options: options)
        var entries: [EventFile.Entry] = []
        while let entry = try file.next() { entries.append(entry) }
        return entries
    }
}
