import Access
import Foundation
import Locking
import RESP
import RPC
import RPCSupport
import Testing

@testable import Commands

@Suite("What each role may do")
struct RoleTests {
    private static func users() throws -> [String: NamedUser] {
        var users: [String: NamedUser] = [:]
        for role in Role.allCases {
            let hash = try #require(PasswordHash.make(of: "p-\(role.rawValue)"))
            users[role.rawValue + "er"] = NamedUser(role: role, hashes: [hash])
        }
        return users
    }

    private static func client(_ path: String, _ role: Role) throws -> RPCClient {
        try RPCClient(socketPath: path, user: role.rawValue + "er", password: "p-\(role.rawValue)")
    }

    private static func command(_ name: String) throws -> Command {
        try #require(CommandTable.standard.find(name), "\(name)")
    }

    @Test(
        "commands ask for the role that they should",
        arguments: [
            (
                Role.read,
                "recommend rank predict similar explain top status models quarantine info ping acl|whoami search"
            ),
            (.feed, "rate signal retract hide unhide forget item.set user.set promote feed"),
            (
                .admin,
                "checkpoint client|kill client|list config|get config|resetstat acl|list acl|users debug"
            ),
        ])
    func table(role: Role, names: String) throws {
        for name in names.split(separator: " ") {
            #expect(try Self.command(String(name)).role == role, "\(name)")
        }
    }

    @Test("before AUTH only what opens and ends a connection is answered")
    func open() {
        let open = CommandTable.standard.commands.filter { $0.role == nil }.map(\.name)
        #expect(open == ["AUTH", "HELLO", "QUIT", "RESET"])
    }

    @Test("a role does what is its own and what is below it, is refused the rest, and both are written down")
    func roles() async throws {
        let access = AccessControl(AccessRules(standardRole: nil, users: try Self.users()))
        let record = LogRecord()
        let logged = AccessControl(access.rules, logger: record.logger)
        try await withServer({ $0.access = logged }) { path, service in
            let reader = try Self.client(path, .read)
            #expect(try ask(reader, "RECOMMEND u1 COUNT 1") == list("i1"))
            #expect(
                try ask(reader, "RATE u1 i1 5")
                    == .error(
                        "NOPERM User reader has no permissions to run the 'rate' command: it needs the role feed, and this user has read"
                    ))
            #expect(try ask(reader, "ACL WHOAMI") == .text("reader"))
            let feeder = try Self.client(path, .feed)
            #expect(try ask(feeder, "RATE u1 i1 5").string == "0:0")
            #expect(try ask(feeder, "RECOMMEND u1 COUNT 1") == list("i1"))
            guard case .error(let refusal) = try ask(feeder, "CHECKPOINT") else {
                Issue.record("a feeder made a checkpoint")
                return
            }
            #expect(
                refusal.hasPrefix("NOPERM User feeder has no permissions to run the 'checkpoint' command"))
            #expect(service.state.withLock { $0.appended.count } == 1)
            let admin = try Self.client(path, .admin)
            #expect(try ask(admin, "ACL WHOAMI") == .text("adminer"))
            _ = try ask(admin, "CLIENT LIST")
            let status = try ask(admin, "STATUS")
            #expect(status["access.refused.role"] == .integer(2))
            #expect(status["access.refused.unauthenticated"] == .integer(0))
        }
        let refused = record.first(containing: "what=checkpoint") ?? ""
        for words in [
            "refused", "user=feeder", "process \(getpid()) of uid \(getuid())", "needs the role admin",
        ] {
            #expect(refused.contains(words), "\(refused)")
        }
        #expect(record.first(containing: "administrative command")?.contains("client|list") == true)
    }

    @Test("whoever connects has the role of its user id, without a word, and RESET goes back to it")
    func userID() async throws {
        let access = AccessControl(
            AccessRules(
                standardRole: nil, users: try Self.users(), rolesOfUserIDs: [UInt32(getuid()): .read]))
        try await withServer({ $0.access = access }) { path, _ in
            let client = try RPCClient(socketPath: path)
            #expect(try ask(client, "ACL WHOAMI") == .text("uid:\(getuid())"))
            #expect(try ask(client, "FORGET u1").isRefused("NOPERM"))
            #expect(try ask(client, "AUTH feeder p-feed") == .simple("OK"))
            #expect(try ask(client, "FORGET u1").string == "0:0")
            #expect(try ask(client, "AUTH feeder wrong").isRefused("WRONGPASS"))
            #expect(try ask(client, "ACL WHOAMI") == .text("feeder"))
            _ = try ask(client, "RESET")
            #expect(try ask(client, "FORGET u1").isRefused("NOPERM"))
        }
    }

    @Test("what comes behind AUTH in a pipeline waits for it, in and out of a transaction")
    func pipelines() async throws {
        let access = AccessControl(AccessRules(standardRole: nil, users: try Self.users()))
        try await withServer({ $0.access = access }) { path, _ in
            let raw = try RawConnection(path)
            raw.ask(
                "PING\r\nAUTH feeder p-feed\r\nPING\r\nRATE u1 i1 5\r\nAUTH reader p-read\r\nRATE u1 i1 5\r\n",
                expecting: "-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n$3\r\n0:0\r\n+OK\r\n-NOPERM ")
            let other = try RawConnection(path)
            other.ask(
                "HELLO 2 AUTH feeder p-feed SETNAME x\r\nMULTI\r\nAUTH reader p-read\r\nACL WHOAMI\r\nEXEC\r\n",
                expecting: "*14\r\n")
            #expect(other.read(1_000_000, until: "reader\r\n").contains("*2\r\n+OK\r\n$6\r\nreader"))
        }
    }

    @Test("ACL tells users and rights to administrators, and no hash to anybody")
    func acl() async throws {
        var rules = AccessRules(standardRole: .read, users: try Self.users(), rolesOfUserIDs: [9: .feed])
        rules.password = nil
        let access = AccessControl(rules)
        try await withServer({ $0.access = access }) { path, _ in
            let anybody = try RPCClient(socketPath: path)
            #expect(try ask(anybody, "ACL LIST").isRefused("NOPERM"))
            #expect(try ask(anybody, "ACL USERS").isRefused("NOPERM"))
            let admin = try Self.client(path, .admin)
            #expect(
                try ask(admin, "ACL USERS") == list("adminer", "default", "feeder", "reader", "uid:9"))
            #expect(
                try ask(admin, "ACL LIST")
                    == list(
                        "user adminer on #(hidden) ~* &* +@all", "user default on nopass ~* &* -@all +@read",
                        "user feeder on #(hidden) ~* &* -@all +@read +@feed",
                        "user reader on #(hidden) ~* &* -@all +@read",
                        "user uid:9 on nopass ~* &* -@all +@read +@feed"))
            guard case .array(let feeds) = try ask(admin, "ACL CAT feed") else { return }
            #expect(feeds.contains(.text("rate")) && !feeds.contains(.text("recommend")))
            guard case .array(let all) = try ask(admin, "ACL CAT") else { return }
            #expect(all.contains(.text("admin")) && all.contains(.text("lookup")))
        }
    }

    @Test("past its limit a peer is told which and for how long, and others are served")
    func limits() async throws {
        let access = AccessControl(
            AccessRules(users: try Self.users(), commandsPerSecond: 20, eventsPerSecond: 4))
        try await withServer({ $0.access = access }) { path, service in
            let feeder = try Self.client(path, .feed)
            let event = #"{"user":"u","item":"i","rating":1}"#
            // One batch may be larger than a second's worth; the next waits for it.
            #expect(try feeder.call(["FEED"] + Array(repeating: event, count: 4_000)).isRefused("") == false)
            #expect(
                try feeder.call(["FEED", event]).isRefused(
                    "OVERLOADED access.events-per-second is 4, and feeder has used it up; try again in "))
            #expect(try ask(feeder, "RECOMMEND u1 COUNT 1") == list("i1"))
            for _ in 0..<3_000 { try feeder.send(["PING"]) }
            var refusals = 0
            for _ in 0..<3_000
            where try feeder.receive().isRefused("OVERLOADED access.commands-per-second is 20") {
                refusals += 1
            }
            #expect(refusals > 0)
            let reader = try Self.client(path, .read)
            #expect(try ask(reader, "PING") == .simple("PONG"))
            let status = try ask(reader, "STATUS")
            #expect(status["access.refused.commands-limit"] == .integer(Int64(refusals)))
            #expect(status["access.refused.events-limit"] == .integer(1))
        }
    }
}

extension RESPValue {
    fileprivate func isRefused(_ words: String) -> Bool {
        if case .error(let message) = self { message.hasPrefix(words) } else { false }
    }
}
