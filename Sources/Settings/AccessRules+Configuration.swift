public import Access

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What the section `access` names is not there, or not as it has to be.
public struct AccessConfigurationError: Error, Equatable, CustomStringConvertible {
    /// Names key and remedy.
    public let description: String
}

extension Configuration {
    /// Reads the file of users, and asks the system for the ids of names.
    ///
    /// - Throws: `AccessConfigurationError`.
    public func accessRules() throws(AccessConfigurationError) -> AccessRules {
        AccessRules(
            standardRole: Role(rawValue: access.defaultRole.rawValue),
            password: rpc.password.isEmpty ? nil : rpc.password, users: try users(),
            rolesOfUserIDs: try ids("access.uids", access.uids, "user", SystemNames.user),
            rolesOfGroupIDs: try ids("access.gids", access.gids, "group", SystemNames.group),
            commandsPerSecond: access.commandsPerSecond, eventsPerSecond: access.eventsPerSecond,
            connectionsPerPeer: access.connectionsPerPeer)
    }

    private func users() throws(AccessConfigurationError) -> [String: NamedUser] {
        guard !access.usersFile.isEmpty else { return [:] }
        do throws(UserFile.Failure) {
            return try UserFile.read(access.usersFile)
        } catch {
            throw AccessConfigurationError(description: "access.users-file: \(error)")
        }
    }

    private func ids(
        _ key: String, _ roles: [String: Role], _ what: String, _ find: (String) -> UInt32?
    ) throws(AccessConfigurationError) -> [UInt32: Role] {
        var ids: [UInt32: Role] = [:]
        for (name, role) in roles {
            guard let id = UInt32(name) ?? find(name) else {
                throw AccessConfigurationError(
                    description: "\(key).\(name): the system knows no \(what) of this name")
            }
            ids[id] = role
        }
        return ids
    }
}

/// Ids by the system's names.
private enum SystemNames {
    private static let bytesMax = 1 << 16

    static func user(_ name: String) -> UInt32? {
        var (entry, room) = (passwd(), [CChar](repeating: 0, count: bytesMax))
        var found: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return entry.pw_uid
    }

    static func group(_ name: String) -> UInt32? {
        var (entry, room) = (Glibc.group(), [CChar](repeating: 0, count: bytesMax))
        var found: UnsafeMutablePointer<Glibc.group>?
        guard getgrnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }
}
