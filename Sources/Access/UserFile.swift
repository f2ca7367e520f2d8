internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

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

    private static let bytesMax = 1 << 20

    /// - Throws: where it cannot be read, may be read by others or changed by others than its owner, or a line is wrong.
    public static func read(_ path: String) throws(Failure) -> [String: NamedUser] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw failure(path, "cannot be read: \(String(cString: strerror(errno)))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try check(descriptor, path)
        guard let bytes = try? handle.read(upToCount: bytesMax + 1), bytes.count <= bytesMax else {
            throw failure(path, "cannot be read, or has more than \(bytesMax) bytes")
        }
        do throws(Failure) {
            return try parse(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw failure(path, "\(error)")
        }
    }

    /// The very file that is then read.
    private static func check(_ descriptor: CInt, _ path: String) throws(Failure) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw failure(path, "is no file")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw failure(path, "belongs to uid \(status.st_uid): give it to root or to the daemon's user")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o027 == 0 else {
            throw failure(
                path,
                "has mode 0\(String(mode, radix: 8)); others may not read it, nor its group write it: chmod 640"
            )
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

    private static func failure(_ path: String, _ why: String) -> Failure {
        Failure(description: "file of users '\(path)': \(why)")
    }
}
