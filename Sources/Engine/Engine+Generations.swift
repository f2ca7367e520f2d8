internal import Foundation
internal import Generations

extension Engine {
    /// Of the copies to go back to.
    func generationFields() -> [StatusField] {
        let report = generations.report
        var fields = [
            StatusField("generations.count", .integer(Int64(report.count))),
            StatusField("generations.bytes", .integer(report.bytes)),
            StatusField("generations.newest", .text(report.newest?.name ?? "")),
            StatusField("generations.made", .integer(Int64(report.made))),
            StatusField("generations.failed", .integer(Int64(report.failed))),
            StatusField("generations.last-error", .text(report.lastError ?? "")),
            StatusField("generations.last-ms", .double(report.lastDuration.milliseconds)),
            StatusField("generations.erased", .integer(Int64(report.erased))),
            StatusField("generations.erasing", .integer(Int64(report.erasing))),
        ]
        if let newest = report.newest {
            let age = Date().timeIntervalSince1970 - Double(newest.time)
            fields.append(StatusField("generations.newest-age-s", .double(max(0, age))))
        }
        return fields
    }
}
