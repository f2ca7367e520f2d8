import Access
import RPCSupport
import Testing

@Suite("Who may come in")
struct AccessControlTests {
    private static let local = Peer.process(id: 7, user: 1000, groups: [1000, 50, 60])
    private static let remote = Peer.address("10.0.0.9")

    private static func users(_ passwords: (String, Role, String)...) throws -> [String: NamedUser] {
        var users: [String: NamedUser] = [:]
        for (name, role, password) in passwords {
            let hash = try #require(PasswordHash.make(of: password))
            users[name] = NamedUser(role: role, hashes: [hash])
        }
        return users
    }

    private func verdict(
        _ access: AccessControl, _ name: String, _ password: String, _ peer: Peer = local
    ) async -> AccessControl.Verdict {
        let credentials = AccessControl.Credentials(name: name, password: password)
        if let verdict = access.checkAtOnce(credentials, peer) { return verdict }
        return await withCheckedContinuation { continuation in
            access.check(credentials, peer) { continuation.resume(returning: $0) }
        }
    }

    @Test("roles include those before them")
    func roles() {
        #expect(Role.admin.included == [.read, .feed, .admin])
        #expect(Role.feed.included == [.read, .feed])
        #expect(Role.read < .feed && .feed < .admin)
    }

    @Test("the user id comes before its groups, of groups the highest role holds, and else the standard role")
    func arrival() {
        var rules = AccessRules()
        #expect(rules.arrival(Self.local) == Identity(name: "default", role: .admin))
        #expect(rules.arrival(Self.remote) == nil)
        rules.standardRole = .read
        #expect(rules.arrival(Self.local)?.role == .read)
        rules.rolesOfGroupIDs = [50: .feed, 60: .admin, 1000: .read]
        #expect(rules.arrival(Self.local) == Identity(name: "gid:60", role: .admin))
        rules.rolesOfUserIDs = [1000: .read]
        #expect(rules.arrival(Self.local) == Identity(name: "uid:1000", role: .read))
        rules.password = "secret"
        #expect(rules.arrival(Self.local)?.name == "uid:1000")
        rules = AccessRules(password: "secret")
        #expect(rules.arrival(Self.local) == nil)
        #expect(AccessRules(standardRole: nil).arrival(Self.local) == nil)
    }

    @Test("a name and its password give its role, wherever they come from")
    func passwords() async throws {
        let users = try Self.users(("shop", .feed, "s3"), ("watch", .read, "w4"))
        let access = AccessControl(AccessRules(standardRole: nil, users: users))
        for peer in [Self.local, Self.remote] {
            #expect(
                await verdict(access, "shop", "s3", peer) == .identity(Identity(name: "shop", role: .feed)))
            #expect(
                await verdict(access, "watch", "w4", peer) == .identity(Identity(name: "watch", role: .read)))
            for (name, password) in [("shop", "w4"), ("nobody", "s3"), ("default", "s3"), ("shop", "")] {
                #expect(await verdict(access, name, password, peer) == .wrong)
            }
        }
        // Once found right it is known at once, until the file no longer says so.
        let credentials = AccessControl.Credentials(name: "shop", password: "s3")
        #expect(access.checkAtOnce(credentials, Self.local) != nil)
        access.change(to: AccessRules(standardRole: nil, users: try Self.users(("shop", .feed, "new"))))
        #expect(await verdict(access, "shop", "s3") == .wrong)
        #expect(await verdict(access, "shop", "new") == .identity(Identity(name: "shop", role: .feed)))
    }

    @Test("AUTH default makes nobody more than they are")
    func standardUser() async {
        let access = AccessControl(AccessRules(rolesOfUserIDs: [1000: .read]))
        #expect(await verdict(access, "default", "any") == .wrong)
        #expect(await verdict(access, "default", "any", Self.remote) == .wrong)
        let other = Peer.process(id: 8, user: 1, groups: [1])
        #expect(
            await verdict(access, "default", "any", other)
                == .identity(Identity(name: "default", role: .admin)))
        access.change(to: AccessRules(password: "p"))
        #expect(await verdict(access, "default", "any", other) == .wrong)
        #expect(
            await verdict(access, "default", "p", Self.remote)
                == .identity(Identity(name: "default", role: .admin)))
    }

    @Test("who has lost the name or the role is no longer who they were")
    func holding() throws {
        let shop = Identity(name: "shop", role: .feed)
        let access = AccessControl(AccessRules(users: try Self.users(("shop", .feed, "p"))))
        #expect(access.holds(shop, Self.local))
        access.change(to: AccessRules(users: try Self.users(("shop", .read, "p"))))
        #expect(!access.holds(shop, Self.local))
        access.change(to: AccessRules())
        #expect(!access.holds(shop, Self.local))
        #expect(access.holds(Identity(name: "default", role: .admin), Self.local))
        #expect(!access.holds(Identity(name: "uid:1000", role: .read), Self.local))
    }

    @Test("refusals are told with who and why, and not more often than ten times a second")
    func reports() {
        let record = LogRecord()
        let access = AccessControl(AccessRules(), logger: record.logger)
        for _ in 0..<1_000 {
            access.refused(
                "checkpoint", Identity(name: "watch", role: .read), Self.local, .role(wanted: .admin))
        }
        let line = record.first(containing: "refused") ?? ""
        for words in ["checkpoint", "user=watch", "process 7 of uid 1000", "needs the role admin"] {
            #expect(line.contains(words), "\(line)")
        }
        #expect(access.counters.all.first { $0.name == "access.refused.role" }?.count == 1_000)
        // Ten a second: the thousand take far less than three.
        #expect(record.count(containing: "refused") <= 30)
    }

    @Test(
        "networks are known by their digits",
        arguments: [
            ("127.0.0.1", true, true), ("127.9.9.9", true, true), ("::1", true, true),
            ("10.0.0.1", false, true), ("172.16.0.1", false, true), ("172.32.0.1", false, false),
            ("192.168.1.1", false, true), ("169.254.1.1", false, true), ("8.8.8.8", false, false),
            ("0.0.0.0", false, false), ("::", false, false), ("fd00::1", false, true),
            ("fe80::1", false, true),
            ("2001:db8::1", false, false), ("::ffff:127.0.0.1", true, true), ("::ffff:8.8.8.8", false, false),
            ("localhost", false, false), ("127.0.0.1.example.com", false, false),
        ])
    func networks(address: String, isLoopback: Bool, isPrivate: Bool) {
        #expect(PlainNetwork.loopback.contains(address) == isLoopback)
        #expect(PlainNetwork.private.contains(address) == isPrivate)
    }
}
