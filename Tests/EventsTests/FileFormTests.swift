import Events
import Foundation
import Testing

/// Files as people have them: from exports, spreadsheets, shells of other systems.
@Suite("Reading files of other forms")
struct FileFormTests {
    private static let ana = #"{"user": "ana", "item": "tea", "rating": 5}"#
    private static let ben = #"{"user": "ben", "item": "rum", "rating": 3}"#

    private var two: [EventFile.Entry] {
        get throws {
            [
                .event(Event(.rating(user: try id("ana"), item: try id("tea"), value: 5))),
                .event(Event(.rating(user: try id("ben"), item: try id("rum"), value: 3))),
            ]
        }
    }

    private var timed: EventFile.Entry {
        get throws { .event(try rating("ana", "tea", 4.5, 1_700_000_000_000)) }
    }

    // MARK: - JSON

    @Test(
        "JSON is read as what it is: lines, an array, objects over several lines, objects parted by commas",
        arguments: [
            "\(ana)\n\(ben)", "[\(ana),\(ben)]", "[\n  \(ana),\n  \(ben)\n]\n", "\(ana)\(ben)",
            "\(ana),\n\(ben),\n",
            "\(ana)\r\(ben)\r", "[\(ana)]\n[\(ben)]", "\n\n [ \(ana) , \(ben) ] ",
            "{\n\"user\":\"ana\",\n\"item\":\"tea\",\"rating\":5}\n{\n  \"user\": \"ben\",\n  \"item\": \"rum\",\n  \"x\": [\n    {\n      \"y\": \"}\\\"\"\n    }\n  ],\n  \"rating\": 3\n}\n",
            "\(ana)\n{\n  \"user\": \"ben\", \"item\": \"rum\",\n  \"rating\": 3\n}",
        ])
    func jsonForms(text: String) throws {
        for name in ["a.json", "a.jsonl", "a", "a.csv"] {
            #expect(try read(name, text) == two)
        }
    }

    @Test("an array of any length is read without being held, each bad element at its line")
    func longArray() throws {
        let elements = (0..<20_000).map { #"{"user":\#($0),"item":1,"rating":1}"# }
        let oneLine = "[" + elements.joined(separator: ",") + "]"
        #expect(try read("a.json", oneLine).count == 20_000)
        let mixed = "[\n\(Self.ana),\n7, \"x,]\",\n\(Self.ben)\n]"
        let entries = try read("a.json", mixed)
        #expect(badLineNumbers(entries) == [3, 3])
        #expect(entries.count == 4)
    }

    @Test("an array that is cut off is told, its elements are read")
    func cutArray() throws {
        let entries = try read("a.json", "[\n\(Self.ana),\n\(Self.ben),\n")
        #expect(Array(entries.prefix(2)) == (try two))
        #expect(badLineNumbers(entries) == [1])
        #expect(badLineNumbers(try read("a.json", "[\n\(Self.ana),\n{\"user\":\"b")) == [3, 1])
        #expect(try read("a.json", "[]").isEmpty)
    }

    @Test(
        "a line cut off costs itself alone",
        arguments: [
            #"{"user":"x","it"#, #"{"user":"x","item":"y""#, #"{"user":"x","item":"#,
            #"{"user":"x","tags":["#, "x\":1}",
            "// a comment", "\0\0\0\0", #"{"user":"x"}}"#,
        ])
    func cutLine(text: String) throws {
        for lines in [[Self.ana, text, Self.ben], [text, Self.ana, Self.ben]] {
            let entries = try read("a.jsonl", lines.joined(separator: "\n"))
            #expect(entries.filter { if case .event = $0 { true } else { false } } == (try two))
            #expect(!badLineNumbers(entries).isEmpty)
        }
    }

    @Test("a broken object over several lines costs itself alone")
    func brokenPretty() throws {
        let good = "{\n  \"user\": \"ana\",\n  \"item\": \"tea\",\n  \"rating\": 5\n}\n"
        let cut = "{\n  \"user\": \"x\",\n  \"item\": \"y\"\n"
        let entries = try read("a.json", good + cut + good)
        #expect(entries.count == 3)
        #expect(badLineNumbers(entries) == [6])
    }

    @Test("a record of two megabytes is refused with its size, in a line, an array or over lines")
    func bigRecord() throws {
        let big = #"{"user":"big","item":"tea","note":""# + String(repeating: "x", count: 2_000_000) + "\"}"
        for text in ["\(Self.ana)\n\(big)\n\(Self.ben)", "[\(Self.ana),\(big),\(Self.ben)]"] {
            let entries = try read("a.json", text)
            #expect(entries.count == 3)
            guard case .bad(let line) = entries[1] else { throw Unexpected() }
            #expect(line.reason == "record has \(big.utf8.count) bytes; at most 65536 are allowed")
        }
        let rows =
            "user,item,rating\nana,tea,5\n" + String(repeating: "x", count: 2_000_000) + "\nben,rum,3\n"
        #expect(badLineNumbers(try read("a.csv", rows)) == [3])
    }

    // MARK: - Separated values

    @Test(
        "values are parted by what the header is parted by, or by what sep= says",
        arguments: [
            "user,item,rating,ts\nana,tea,4.5,1700000000\n",
            "user;item;rating;ts\nana;tea;4,5;1700000000000\n",
            "user\titem\trating\tts\r\nana\ttea\t4,5\t1700000000000\r\n",
            "user|item|rating|ts\nana|tea|4.5|1700000000\n",
            "sep=;\r\nuser;item;rating;ts\r\nana;tea;4,5;1700000000000\r\n",
            "\"sep=|\"\nuser|item|rating|ts\nana|tea|4.5|1700000000000",
            "\u{FEFF}user,item,rating,ts\rana,tea,4.5,1700000000\r",
            " user , item , \"rating\" ,ts\n ana ,\ttea , \"4.5\" , 1700000000000.0 \n",
            "\n\nUser,Item,Rating,Timestamp\nana,tea,4.5,2023-11-14T22:13:20Z\n",
            "user;item;rating;ts;;\nana;tea;4,5;1700000000,0;;\n",
            "userId,movieId,rating,timestamp\nana,tea,4.5,1700000000\n",
            "x,ts,rating,item,user\n\"a\n\"\"b,\",1700000000,4.5,tea,ana\n",
        ])
    func separators(text: String) throws {
        #expect(try read("a.csv", text) == [timed])
        #expect(try read("tags.csv", text) == [timed])
        #expect(try read("a.csv", utf16(text, bigEndian: false)) == [timed])
        #expect(try read("a.csv", utf16(text, bigEndian: true)) == [timed])
    }

    @Test("u.data has no header: user, item, rating, seconds")
    func uData() throws {
        let entries = try read("u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
        #expect(entries.first == .event(try rating("196", "242", 3, 881_250_949_000)))
        #expect(entries.count == 2)
    }

    @Test("ratings without a time are read")
    func withoutTime() throws {
        let expected = EventFile.Entry.event(
            Event(.rating(user: try id("1"), item: try id("296"), value: 5)))
        #expect(try read("r.csv", "userId,movieId,rating\n1,296,5.0\n") == [expected])
        #expect(try read("ratings.dat", "1::296::5\n") == [expected])
    }

    @Test("what rows are follows from the columns that there are")
    func defaultTypes() throws {
        let signal = Event(.signal(user: try id("u"), item: try id("i"), name: "click"))
        #expect(try read("a.csv", "user,item,signal\nu,i,click\n") == [.event(signal)])
        let description = Event(.item(ItemDescription(item: try id("i"), title: "T", tags: ["a", "b"])))
        #expect(try read("a.csv", "item,title,tags\ni,T,a| b\n") == [.event(description)])
    }

    @Test(
        "a header under which no row would be an event is refused with what it lacks",
        arguments: [
            ("user_id,item_id,stars\na,b,1\n", "format not recognized"),
            ("user,item\na,b\n", "it lacks rating"),
            ("user,item,rating,rating\na,b,1,2\n", "names 'rating' twice"),
            ("1,296,5.0,1147880044\n", "format not recognized"),
        ])
    func refusedHeaders(text: String, words: String) throws {
        let error = #expect(throws: EventFileError.self) { try read("a.csv", text) }
        #expect(error?.message.contains(words) == true)
    }

    @Test(
        "a cell that does not say what its column holds is refused with field, value and what is allowed",
        arguments: [
            ("a,b,\"4,5\",", "field 'rating' is '4,5'; allowed is a number with a decimal point"),
            ("a,b,\"1,234\",", "without separators of thousands"), ("a,b,NaN,", "'NaN'"),
            ("a,b,inf,", "'inf'"),
            ("a,b,3,14.11.2023 22:13", "field 'ts' is '14.11.2023 22:13'; allowed is a number of seconds"),
            ("a,b,3,1.7E+12", "a rounded number"), ("a,b,3,-5", "ts -5000 is outside 0"),
            (",b,3,", "field 'user' is missing"),
            ("a,b,3,9999999999999", "is outside"), ("a,b,3", "has 3 columns, the header has 4"),
            ("a\0,b,3,", "holds NUL bytes"),
        ])
    func refusedCells(row: String, words: String) throws {
        let entries = try read("a.csv", "user,item,rating,ts\n\(row)\nana,tea,4.5,1700000000\n")
        guard case .bad(let line) = entries.first else { throw Unexpected() }
        #expect(line.line == 2)
        #expect(line.reason.contains(words))
        #expect(entries.last == (try timed))
    }

    @Test("Windows-1252 is told, and how to convert it")
    func windows1252() throws {
        let entries = try read(
            "a.csv", Array("item,title\n1,Mis".utf8) + [0xE9] + Array("rables\n2,B\n".utf8))
        guard case .bad(let line) = entries.first else { throw Unexpected() }
        #expect(line.reason.contains("iconv -f WINDOWS-1252"))
        #expect(entries.count == 2)
    }

    @Test("an event's own id is a column like the others")
    func eventIDs() throws {
        var options = EventOptions()
        options.fields.id = "event"
        let entries = try read("a.csv", "user,item,rating,event\na,b,3,e-7\na,b,3,\n", options: options)
        let kind = Event.Kind.rating(user: try id("a"), item: try id("b"), value: 3)
        #expect(entries == [.event(Event(kind, id: "e-7")), .event(Event(kind))])
    }

    // MARK: - Encodings and packing

    @Test("UTF-16 with a mark is read, half a pair costs its line, without a mark it is read with a warning")
    func utf16JSON() throws {
        let text = "\(Self.ana)\r\n{\"user\": \"😀\", \"item\": \"é\", \"rating\": 1}\r\n"
        for bigEndian in [false, true] {
            let entries = try read("a.jsonl", utf16(text, bigEndian: bigEndian))
            #expect(entries.count == 2)
            #expect(badLineNumbers(entries).isEmpty)
        }
        let lone =
            utf16("\(Self.ana)\n{\"user\": \"", bigEndian: false) + [0x00, 0xD8]
            + utf16("\", \"item\": 1, \"rating\": 1}\n\(Self.ben)\n", bigEndian: false).dropFirst(2)
        let entries = try read("a.jsonl", lone)
        #expect(badLineNumbers(entries) == [2])
        #expect(entries.count == 3)
        try withFile("a.csv", Array(utf16("user,item,rating\nana,tea,5\n", bigEndian: false).dropFirst(2))) {
            path in
            let (entries, warnings) = try readAll(path)
            #expect(entries.count == 1 && badLineNumbers(entries).isEmpty)
            #expect(warnings.first?.contains("without a byte order mark, and read as UTF-16LE") == true)
        }
    }

    @Test(
        "gzip with zeros or a line end behind it is read with a warning",
        arguments: [[0], [13, 10], [10], Array(repeating: 0, count: 100_000)] as [[UInt8]])
    func paddedGzip(padding: [UInt8]) throws {
        try withFile("ok.csv.gz", Self.packed + padding) { path in
            let (entries, warnings) = try readAll(path)
            #expect(entries.count == 2)
            #expect(badLineNumbers(entries).isEmpty)
            #expect(
                warnings.first?.contains("\(padding.count) bytes of zeros or blanks behind the gzip data")
                    == true)
        }
        try withFile("ok.csv.gz", Self.packed) { path in
            let warnings = try readAll(path).warnings
            #expect(warnings.isEmpty)
        }
    }

    @Test(
        "gzip with something else behind it, or with half a member, is an error",
        arguments: ["more", "\u{1F}"])
    func junkBehindGzip(text: String) throws {
        let error = #expect(throws: EventFileError.self) {
            try read("ok.csv.gz", Self.packed + Array(text.utf8))
        }
        #expect(error?.message.contains("behind its gzip data") == true)
    }

    @Test("a mixture of seconds and milliseconds is told")
    func mixture() throws {
        try withFile("a.csv", Array("user,item,rating,ts\na,b,1,1700000000\na,c,1,1700000000000\n".utf8)) {
            path in
            let (entries, warnings) = try readAll(path)
            #expect(entries.count == 2)
            #expect(warnings.first?.contains("times are mixed: 1 in seconds, 1 in milliseconds") == true)
        }
    }

    @Test(
        "a file without a line, of blank lines or with a header alone has no events",
        arguments: ["", "\n\n \r\n", "user,item,rating\n", "\u{FEFF}"])
    func nothing(text: String) throws {
        #expect(try read("a.csv", text).isEmpty)
        #expect(try read("a", text).isEmpty)
    }

    private func readAll(_ path: String) throws -> (entries: [EventFile.Entry], warnings: [String]) {
        let file = try EventFile.open(path, options: EventOptions())
        var entries: [EventFile.Entry] = []
        while let entry = try file.next() { entries.append(entry) }
        return (entries, file.warnings)
    }

    private func utf16(_ text: String, bigEndian: Bool) -> [UInt8] {
        let text = text.hasPrefix("\u{FEFF}") ? text : "\u{FEFF}" + text
        return text.utf16.flatMap { unit in
            let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
            return bigEndian ? bytes : bytes.reversed()
        }
    }

    /// Two ratings under a header, packed by gzip.
    private static let packed = [UInt8](
        Data(
            base64Encoded:
                "H4sIAAAAAAAAAystTi3SySxJzdUpSizJzEvXKSnmSsxL1ClJTdQx1TE0N0AArqTUPJ2i0lwdY4S4IUgcAAGq08NEAAAA"
        ) ?? Data())
}
