internal import Foundation

/// Somebody who has a name.
public struct NamedUser: Sendable, Equatable {
    public var role: Role
    /// Of each password that is right; see `PasswordHash`.
    public var hashes: [String]

    public init(role: Role, hashes: [String]) { (self.role, self.hashes) = (role, hashes) }
}

/// A file of users: a line each, `name:role:hash`. Several lines of one name are several passwords, so that one can take the
/// place of another while both are in use. Empty lines and those that begin with `#` say nothing.
public enum UserFile {
    /// What is wrong with the file; never what stands in it.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let description: String

        package init(description: String) { self.description = description }
    }

    /// - Throws: where it cannot be read, may be read by others or changed by others than its owner, or a line is wrong.
    public static func read(_ path: String) throws(Failure) -> [String: NamedUser] {
        do throws(Failure) {
            return try parse(String(decoding: try PrivateFile.read(path), as: UTF8.self))
        } catch {
            throw Failure(description: "file of users '\(path)': \(error)")
        }
    }

    /// - Throws: naming the line by its number alone.
    public static func parse(_ text: String) throws(Failure) -> [String: NamedUser] {
        var users: [String: NamedUser] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let (name, role, hash) = try parts(line, index + 1)
            if let known = users[name], known.role != role {
                throw Failure(
                    description:
                        "line \(index + 1): '\(name)' has the role \(known.role.rawValue) in a line above")
            }
            users[name, default: NamedUser(role: role, hashes: [])].hashes.append(hash)
        }
        return users
    }

    private static func parts(_ line: String, _ number: Int) throws(Failure) -> (String, Role, String) {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            .map(String.init)
        guard parts.count == 3 else { throw Failure(description: "line \(number): not name:role:hash") }
        guard isName(parts[0]) else {
            throw Failure(description: "line \(number): the name is not \(allowedName)")
        }
        guard let role = Role(rawValue: parts[1]) else {
            throw Failure(description: "line \(number): the role is not read, feed or admin")
        }
        guard PasswordHash.isHash(parts[2]) else {
            throw Failure(
                description: "line \(number): no hash of a password; `freshet password` makes the line")
        }
        return (parts[0], role, parts[2])
    }

    public static let allowedName = "1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'"

    public static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_": true
                default: false
                }
            }
    }

    /// The line of a user.
    public static func line(name: String, role: Role, hash: String) -> String {
        "\(name):\(role.rawValue):\(hash)"
    }
}
