internal import Foundation

extension History {
    /// Bytes on the heap that so many users' histories come to, where each pair is as likely any one user's: a history's
    /// length is then Poisson distributed. Times are taken to be in milliseconds, values to have short codes.
    package static func expectedBytes(users: Int, pairs: Int) -> Int {
        guard users > 0, pairs > 0 else { return 0 }
        var form = HistoryForm()
        form.highTime = .era
        let mean = Double(pairs) / Double(users)
        let spread = 6 * mean.squareRoot() + 8
        var (bytes, capacity, logFactorial) = (0.0, 0, 0.0)
        for length in 1...Int(mean + spread) {
            logFactorial += log(Double(length))
            if length > Int(UInt16.max) { form.columns.insert(.wideOrders) }
            while capacity < length { capacity = HistoryLayout.capacity(after: capacity) }
            let share = exp(Double(length) * log(mean) - mean - logFactorial)
            bytes += share * Double(HistoryLayout(capacity: capacity, form: form).bytes)
        }
        return Int(Double(users) * bytes)
    }
}
