import Access
import RESP

/// `ACL`: who may do what, in Redis's words where they fit.
enum AccessCommands {
    static let acl = Command(
        container: "ACL", "Who may do what.", group: .server,
        subcommands: [
            sub("WHOAMI", "This connection's user.") { _, session, _ throws(CommandError) in
                .reply(session.identity.map { .text($0.name) } ?? .null)
            },
            sub("USERS", "All users' names.", flags: [.readonly, .admin]) {
                _, _, environment throws(CommandError) in
                .reply(.array(names(environment.access.rules).map(RESPValue.text)))
            },
            sub("LIST", "All users' rights; no secrets.", flags: [.readonly, .admin]) {
                _, _, environment throws(CommandError) in
                let rules = environment.access.rules
                return .reply(.array(names(rules).map { .text(line($0, rules)) }))
            },
            sub(
                "CAT", "Categories of commands and roles, or the commands of one.",
                [.value("category").optional()], wordsMax: 3, run: categories),
        ])

    private static func sub(
        _ name: String, _ summary: String, _ arguments: [ArgumentSpec] = [],
        flags: Set<Command.Flag> = [.readonly], wordsMax: Int? = nil, run: @escaping Command.Run
    ) -> Command {
        Command(
            name, of: "ACL", summary, group: .server, flags: flags, arguments: arguments, wordsMax: wordsMax,
            run: run)
    }

    /// Named ones; and who they are that give no name.
    private static func names(_ rules: AccessRules) -> [String] {
        let named = Set(rules.users.keys).union([Identity.standardName])
        return named.sorted()
            + rules.rolesOfUserIDs.keys.sorted().map { "uid:\($0)" }
            + rules.rolesOfGroupIDs.keys.sorted().map { "gid:\($0)" }
    }

    /// As Redis writes a user: there is a key for nobody, so `~*` takes nothing away.
    private static func line(_ name: String, _ rules: AccessRules) -> String {
        let (pass, role): (String, Role?)
        if let user = rules.users[name] {
            (pass, role) = (user.hashes.map { _ in "#(hidden)" }.joined(separator: " "), user.role)
        } else if let (kind, id) = mapped(name) {
            (pass, role) = ("nopass", (kind == "uid" ? rules.rolesOfUserIDs : rules.rolesOfGroupIDs)[id])
        } else if rules.password != nil {
            (pass, role) = ("#(rpc.password)", .admin)
        } else {
            (pass, role) = ("nopass", rules.standardRole)
        }
        guard let role else { return "user \(name) off resetchannels -@all" }
        let rights =
            role == .admin
            ? "+@all" : "-@all " + role.included.map { "+@\($0.rawValue)" }.joined(separator: " ")
        return "user \(name) on \(pass) ~* &* \(rights)"
    }

    private static func mapped(_ name: String) -> (String, UInt32)? {
        let parts = name.split(separator: ":").map(String.init)
        guard parts.count == 2, let id = UInt32(parts[1]) else { return nil }
        return (parts[0], id)
    }

    private static func categories(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        let commands = environment.table.commands.flatMap { command in
            command.subcommands.isEmpty ? [command] : command.subcommands
        }
        guard !arguments.isAtEnd else {
            let groups = Set(commands.map(\.group.rawValue)).union(Role.allCases.map(\.rawValue)).sorted()
            return .reply(.array(groups.map(RESPValue.text)))
        }
        let category = try arguments.text("category")
        let found: [Command]
        if let role = Role(rawValue: category.lowercased()) {
            found = commands.filter { $0.role == role }
        } else {
            found = environment.table.commands.filter { $0.group.rawValue == category.lowercased() }
        }
        guard !found.isEmpty else { throw .invalid("Unknown category '\(category.prefix(128))'") }
        return .reply(.array(found.map { .text($0.fullName) }))
    }
}
