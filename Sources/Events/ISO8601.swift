/// Times such as `2026-01-31T12:00:00.250+01:00`: date, time of day, and a zone, without which nobody knows when it was.
enum ISO8601 {
    private static let dayMs: Int64 = 86_400_000

    /// Milliseconds since 1970; what is finer is cut off. `nil` for what is no such time.
    ///
    /// Takes `T` or one space between date and time, seconds or none, a fraction after a point or a comma, and `Z`,
    /// `UTC` or `+01:00` (`+0100`, `+01`) as the zone.
    static func milliseconds(_ text: String) -> Int64? {
        var reader = Reader(text)
        guard let year = reader.digits(4), reader.take("-"), let month = reader.digits(2), reader.take("-"),
            let day = reader.digits(2), (1...12).contains(month), day >= 1, day <= days(in: month, of: year),
            reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.digits(2), reader.take(":"), let minute = reader.digits(2), hour < 24,
            minute < 60
        else { return nil }
        var second: Int64 = 0
        var fraction: Int64 = 0
        if reader.take(":") {
            guard let digits = reader.digits(2), digits <= 60 else { return nil }
            second = digits
            if reader.take(".") || reader.take(",") {
                guard let digits = reader.fraction() else { return nil }
                fraction = digits
            }
        }
        guard let zone = zoneMinutes(&reader), reader.isAtEnd else { return nil }
        let minutes = hour * 60 + minute - zone
        return daysSince1970(year, month, day) * dayMs + (minutes * 60 + second) * 1_000 + fraction
    }

    static func text(_ milliseconds: Int64) -> String {
        let days = milliseconds >= 0 ? milliseconds / dayMs : (milliseconds - dayMs + 1) / dayMs
        let rest = milliseconds - days * dayMs
        let (year, month, day) = date(days)
        let seconds = rest / 1_000
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T"
            + padded(seconds / 3_600, 2)
            + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2) + "."
            + padded(rest % 1_000, 3)
            + "Z"
    }

    private static func zoneMinutes(_ reader: inout Reader) -> Int64? {
        if reader.take("Z") || reader.take("z") { return 0 }
        _ = reader.take(" ")
        if reader.take("U") { return reader.take("T") && reader.take("C") ? 0 : nil }
        let sign: Int64
        if reader.take("+") { sign = 1 } else if reader.take("-") { sign = -1 } else { return nil }
        guard let hours = reader.digits(2), hours < 24 else { return nil }
        guard !reader.isAtEnd else { return sign * hours * 60 }
        _ = reader.take(":")
        guard let minutes = reader.digits(2), minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Howard Hinnant's `days_from_civil`: years begin in March, so that the leap day is the last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year >= 0 ? year / 400 : (year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Its inverse, `civil_from_days`.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted >= 0 ? shifted / 146_097 : (shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private struct Reader {
        private let bytes: [UInt8]
        private var place = 0

        init(_ text: String) { bytes = Array(text.utf8) }

        var isAtEnd: Bool { place == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
            place += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int64? {
            guard place + count <= bytes.count else { return nil }
            var number: Int64 = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        /// As milliseconds.
        mutating func fraction() -> Int64? {
            var milliseconds: Int64 = 0
            var weight: Int64 = 100
            let start = place
            while let digit = digit() {
                milliseconds += digit * weight
                weight /= 10
            }
            return place > start ? milliseconds : nil
        }

        private mutating func digit() -> Int64? {
            guard place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) else {
                return nil
            }
            defer { place += 1 }
            return Int64(bytes[place] - UInt8(ascii: "0"))
        }
    }
}
