internal import Locking

/// Passwords found right since the start, so that each costs its hash once: as 128 bits that nobody can turn back without
/// this process's keys.
final class ProvenPasswords: Sendable {
    private struct Mark: Hashable {
        var first: Int
        var second: Int
    }

    private static let countMax = 4096

    /// Random, of this process. Swift's hashes have a key of their own too, but may be told to have none.
    private let keys = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))
    /// The hash that each was found to be the password of.
    private let marks = Lock<[Mark: String]>([:])

    /// Whether it was found right for one of the hashes that the user has now.
    func contains(_ credentials: AccessControl.Credentials, of user: NamedUser) -> Bool {
        let mark = mark(credentials)
        return marks.withLock { $0[mark] }.map(user.hashes.contains) ?? false
    }

    func insert(_ credentials: AccessControl.Credentials, _ hash: String) {
        let mark = mark(credentials)
        marks.withLock { marks in
            if marks.count >= Self.countMax { marks = [:] }
            marks[mark] = hash
        }
    }

    private func mark(_ credentials: AccessControl.Credentials) -> Mark {
        Mark(first: half(credentials, keys.0), second: half(credentials, keys.1))
    }

    private func half(_ credentials: AccessControl.Credentials, _ key: UInt64) -> Int {
        var hasher = Hasher()
        hasher.combine(key)
        hasher.combine(credentials.name)
        hasher.combine(credentials.password)
        return hasher.finalize()
    }
}
