/// Finds where a JSON object ends, byte by byte, without reading what it says: that is the decoder's.
///
/// It follows strings and brackets, and sees where an object cannot go on as it does: then the object was cut off, and
/// what follows is likely the next one.
struct JSONObjectScanner {
    enum Step {
        case goesOn
        /// The byte closes the object.
        case closed
        case broken(String)
    }

    /// Line breaks met in the object so far.
    private(set) var lineBreaks = 0
    /// Whether nothing but the opening brace has been met.
    private(set) var isJustOpened = true

    private var open: [UInt8] = []
    private var isInString = false
    private var isEscaped = false
    /// The last byte that was no blank.
    private var last: UInt8 = UInt8(ascii: ":")
    private var lastByte: UInt8 = 0

    mutating func take(_ byte: UInt8) -> Step {
        defer { lastByte = byte }
        if byte.isLineBreak {
            if byte != UInt8(ascii: "\n") || lastByte != UInt8(ascii: "\r") { lineBreaks += 1 }
            return isInString ? .broken("a string is not closed on its line") : .goesOn
        }
        if isInString {
            takeInString(byte)
            return .goesOn
        }
        guard !byte.isBlank else { return .goesOn }
        defer { last = byte }
        if !open.isEmpty { isJustOpened = false }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard mayOpen else { return .broken("the object is not closed before the next one") }
            open.append(byte)
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            guard open.popLast() == byte - 2 else { return .broken("brackets do not match") }
            return open.isEmpty ? .closed : .goesOn
        default: break
        }
        return .goesOn
    }

    private mutating func takeInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
        }
    }

    /// Whether a value can stand here.
    private var mayOpen: Bool {
        switch last {
        case UInt8(ascii: ":"): true
        case UInt8(ascii: "["): true
        case UInt8(ascii: ","): open.last == UInt8(ascii: "[")
        default: false
        }
    }
}
