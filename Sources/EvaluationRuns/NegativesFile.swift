import Evaluation
import Events
import Reporting

/// Reads test pairs with given negatives, and the maps from the numbers in that file to the ids of the events.
struct NegativesFile {
    var path: String
    /// A file with two columns, number and id, under a header; or `+n`, which is added to the number; `nil` where the
    /// file holds ids.
    var users: String?
    var items: String?

    /// - Throws: `EventFileError`, `EvaluationError`, `CommandError`.
    func read(_ dataset: Dataset) throws -> GivenNegatives {
        let (userID, itemID) = (try Self.map(users), try Self.map(items))
        let (userRows, itemRows) = (Self.rows(dataset.userIDs), Self.rows(dataset.itemIDs))
        let given: GivenNegatives
        do {
            given = try GivenNegatives(
                lines: try TextLines.read(path),
                userRow: { userID($0).flatMap { userRows[$0] } },
                itemRow: { itemID($0).flatMap { itemRows[$0] } })
        } catch let error as EvaluationError {
            throw CommandError("\(path): \(error)", code: .data)
        }
        guard !given.entries.isEmpty else {
            throw CommandError(
                "\(path): none of its \(given.unknownPairs) pairs names a user and an item of the events; are "
                    + "--negatives-users and --negatives-items right?", code: .data)
        }
        return given
    }

    private static func rows(_ ids: [String]) -> [String: Int32] {
        Dictionary(ids.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    }

    private static func map(_ argument: String?) throws -> (Substring) -> String? {
        guard let argument else { return { String($0) } }
        if argument.hasPrefix("+"), let shift = Int(argument.dropFirst()) {
            return { number in
                guard let (sum, overflow) = Int(number)?.addingReportingOverflow(shift), !overflow else {
                    return nil
                }
                return String(sum)
            }
        }
        var ids: [String: String] = [:]
        for (index, line) in try TextLines.read(argument).enumerated() where index > 0 && !line.isEmpty {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard cells.count == 2 else {
                throw CommandError(
                    "\(argument):\(index + 1): has \(cells.count) columns, wanted are number and id",
                    code: .data)
            }
            ids[cells[0]] = cells[1]
        }
        return { ids[String($0)] }
    }
}
