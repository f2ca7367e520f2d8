extension FixedWidthInteger where Self: SignedInteger {
    /// The number that ASCII digits say, after a sign if there is one; `nil` for anything else and for one that is out
    /// of range. As `init(_: String)` reads it, without making a string of bytes that are all digits.
    @inlinable package init?(decimal text: UnsafeRawBufferPointer) {
        guard let sign = text.first else { return nil }
        let isNegative = sign == UInt8(ascii: "-")
        var index = isNegative || sign == UInt8(ascii: "+") ? 1 : 0
        guard index < text.count else { return nil }
        self = 0
        while index < text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (tens, passesTens) = multipliedReportingOverflow(by: 10)
            let (sum, passes) =
                isNegative
                ? tens.subtractingReportingOverflow(Self(digit))
                : tens.addingReportingOverflow(Self(digit))
            guard !passesTens, !passes else { return nil }
            self = sum
            index += 1
        }
    }
}
