import CRdKafka
import Foundation
import RESP
import TestSupport
import Testing

/// On the mock cluster, which takes transactions' requests and knows neither markers nor what is committed: what it shows is that
/// daemons find each other, take partitions over and count each event once. That a reader sees nothing of a transaction that
/// was not committed, and that a member which was taken to be dead is refused, shows on a real broker alone
/// (`FRESHET_TEST_KAFKA`).
@Suite("daemons that learn one topic together", .serialized, .ownThread)
struct ClusterDaemonTests {
    @Test("one is killed, the other goes on with its users; counts by partition are those of the topic")
    func killing() throws {
        let host = try KafkaHost(partitions: 4)
        try host.kafka.createTopic("\(host.topic)-items", partitions: 1)
        try host.kafka.createTopic("\(host.topic)-users", partitions: 4)
        let settings = host.settings + ["cluster.enabled=true", "cluster.commit-interval-ms=200"]
        func produce(_ users: Range<Int>) throws {
            try host.produce(
                users.flatMap { user in
                    (0..<10).map { TestRecord.rating("u\(user)", "i\(($0 + user) % 30)", 4) }
                })
        }
        let (placeA, placeB) = (try DaemonPlace(), try DaemonPlace())
        try produce(0..<30)
        let daemonA = try placeA.start(settings)
        try eventually("A has all: \(daemonA.errors)") { try counted([daemonA]) == 300 }
        let daemonB = try placeB.start(settings)
        try eventually("B has some partitions, with their users: \(daemonB.errors)") {
            let (a, b) = (try events(of: daemonA), try events(of: daemonB))
            return !b.isEmpty && Set(a.keys).isDisjoint(with: b.keys) && a.count + b.count == 4
        }
        try produce(30..<60)
        try eventually("both have learned all") { try counted([daemonA, daemonB]) == 600 }
        try eventually("each knows what the other's users said of items") {
            try [daemonA, daemonB].allSatisfy { try users(of: "i7", at: $0) == 20 }
        }
        let inB = try daemonB.status()["users.count"]
        try daemonB.kill()
        try produce(60..<70)
        try eventually("A has B's partitions and users: \(daemonA.errors)") {
            try counted([daemonA]) == 700
        }
        #expect(try daemonA.status()["users.count"] == 70)
        #expect(inB > 0)
        let again = try placeB.start(settings)
        try eventually("B is back, from its file and what was committed: \(again.errors)") {
            let (a, b) = (try events(of: daemonA), try events(of: again))
            return !b.isEmpty && a.count + b.count == 4
                && a.values.reduce(0, +) + b.values.reduce(0, +) == 700
        }
        try eventually("both count items alike") {
            try [daemonA, again].allSatisfy { try users(of: "i7", at: $0) >= 23 }
        }
        #expect(try daemonA.stop() == .exit(0))
        #expect(try again.stop() == .exit(0))
    }

    @Test("a user is answered by whichever daemon is asked, and sent to the other's where that is wanted")
    func asking() throws {
        let host = try KafkaHost(partitions: 4)
        try host.kafka.createTopic("\(host.topic)-items", partitions: 1)
        try host.kafka.createTopic("\(host.topic)-users", partitions: 4)
        let settings = host.settings + ["cluster.enabled=true", "cluster.commit-interval-ms=200"]
        try host.produce((0..<200).map { TestRecord.rating("u\($0 % 20)", "i\($0 % 30)", 4) })
        let (placeA, placeB) = (try DaemonPlace(), try DaemonPlace())
        let daemonA = try placeA.start(settings + ["http.listen=127.0.0.1:0"])
        let daemonB = try placeB.start(settings + ["cluster.forward=false", "http.listen=127.0.0.1:0"])
        try eventually("both answer for two: \(daemonA.errors) \(daemonB.errors)") {
            try [daemonA, daemonB].allSatisfy { daemon in
                try events(of: daemon).count == 2 && daemon.status()["cluster.partitions.answered"] == 4
            } && counted([daemonA, daemonB]) == 200
        }
        var moved = 0
        let (siteA, site) = (try daemonA.site, try daemonB.site)
        for user in 0..<20 {
            let there = try daemonB.call("USER.GET", "u\(user)")
            let answerOfA = try get(siteA, "/v1/users/u\(user)")
            #expect(answerOfA.status == 200, "\(answerOfA)")
            guard case .error(let words) = there else {
                #expect(try daemonA.call("USER.GET", "u\(user)") == there)
                #expect(try get(site, "/v1/users/u\(user)").body == answerOfA.body)
                continue
            }
            moved += 1
            #expect(words.hasPrefix("MOVED ") && words.hasSuffix(placeA.socket), "\(words)")
            #expect(Status(try daemonA.call("USER.GET", "u\(user)"))["seen"] == 3)
            // Over HTTP too the answer says who has the user.
            let answer = try get(site, "/v1/recommend/u\(user)")
            #expect(answer.status == 421 && answer.body.contains(placeA.socket), "\(answer)")
        }
        #expect(moved > 0 && moved < 20)
        let metrics = try get(siteA, "/metrics").body
        #expect(metrics.contains("freshet_requests_forwarded_total \(20 - moved)\n"), "\(moved)")
        // What one has written is there when the other is asked.
        for user in 0..<4 {
            guard let token = try daemonB.call("RATE", "u\(user)", "new", "5").string else { continue }
            let answer = try daemonA.call(
                "RECOMMEND", "u\(user)", "COUNT", "1", "AFTER", token, "TIMEOUT", "20000")
            if case .error(let words) = answer { Issue.record("\(words)") }
            #expect(Status(try daemonA.call("USER.GET", "u\(user)"))["seen"] == 4)
        }
        #expect(try daemonA.stop() == .exit(0))
        #expect(try daemonB.stop() == .exit(0))
    }

    @Test("look-ups are forwarded over TLS, to whom the authority has signed, by who has the password")
    func secure() throws {
        let host = try KafkaHost(partitions: 4)
        try host.kafka.createTopic("\(host.topic)-items", partitions: 1)
        try host.kafka.createTopic("\(host.topic)-users", partitions: 4)
        try host.produce((0..<200).map { TestRecord.rating("u\($0 % 20)", "i\($0 % 30)", 4) })
        let (placeA, placeB) = (try DaemonPlace(), try DaemonPlace())
        let folder = placeA.folder
        let (certificate, key) = try TestCertificate.server.write(to: folder.path)
        let authority = try TestCertificate.authority.write(to: folder.path).certificate
        let (users, password) = (folder.path("users"), folder.path("peer"))
        let line = try FreshetBinary.run(
            ["password", "peer", "--role", "read", "--generate", password], in: folder
        ).output
        try line.write(toFile: users, atomically: true, encoding: .utf8)
        chmod(users, 0o600)
        let settings =
            host.settings + [
                "cluster.enabled=true", "cluster.commit-interval-ms=200", "rpc.listen=127.0.0.1:0",
                "rpc.tls.certificate=\(certificate)", "rpc.tls.key=\(key)", "rpc.tls.ca=\(authority)",
                "access.users-file=\(users)", "cluster.user=peer", "cluster.password-file=\(password)",
            ]
        let (daemonA, daemonB) = (try placeA.start(settings), try placeB.start(settings))
        try eventually("both answer for two: \(daemonA.errors) \(daemonB.errors)") {
            try [daemonA, daemonB].allSatisfy { daemon in
                try events(of: daemon).count == 2 && daemon.status()["cluster.partitions.answered"] == 4
            } && counted([daemonA, daemonB]) == 200
        }
        #expect(try daemonA.status().text("cluster.address").hasPrefix("127.0.0.1:"))
        for user in 0..<20 {
            let (a, b) = (try daemonA.call("USER.GET", "u\(user)"), try daemonB.call("USER.GET", "u\(user)"))
            #expect(a == b && Status(a)["seen"] == 3, "\(a) \(b)")
        }
        for daemon in [daemonA, daemonB] { #expect(try daemon.status()["rpc.commands.forwarded"] > 0) }
        #expect(try daemonB.stop() == .exit(0))
        // One that knows another authority alone believes nobody, and tells its clients to ask again.
        let doubting = try placeB.start(settings + ["rpc.tls.ca=\(certificate)"])
        try eventually("it is back: \(doubting.errors)") {
            try events(of: doubting).count == 2 && doubting.status()["cluster.partitions.answered"] == 4
        }
        let answers = try (0..<20).map { try doubting.call("USER.GET", "u\($0)") }
        let refused = answers.compactMap { answer -> String? in
            if case .error(let words) = answer { words } else { nil }
        }
        #expect(!refused.isEmpty && refused.count < 20 && refused.allSatisfy { $0.hasPrefix("TRYAGAIN ") })
        #expect(try doubting.stop() == .exit(0))
        #expect(try daemonA.stop() == .exit(0))
    }

    @Test(
        "of three that stand by for each other, those get the partitions of one that is killed who have the copies"
    )
    func standby() throws {
        let host = try KafkaHost(partitions: 6)
        try host.kafka.createTopic("\(host.topic)-items", partitions: 1)
        try host.kafka.createTopic("\(host.topic)-users", partitions: 6)
        let settings =
            host.settings + ["cluster.enabled=true", "cluster.commit-interval-ms=200", "cluster.standby=1"]
        try host.produce((0..<600).map { TestRecord.rating("u\($0 % 60)", "i\($0 % 30)", 4) })
        let places = try (0..<3).map { _ in try DaemonPlace() }
        // One after the other: the mock lets all wait for one that comes while others do.
        var daemons: [DaemonProcess] = []
        for place in places {
            daemons.append(try place.start(settings))
            let each = 6 / daemons.count
            try eventually("each has \(each): \(daemons.map(\.errors))", seconds: 120) {
                try daemons.allSatisfy { try events(of: $0).count == each } && counted(daemons) == 600
            }
        }
        try eventually("each has copies of two: \(daemons.map(\.errors))", seconds: 120) {
            try daemons.allSatisfy { daemon in
                let status = try daemon.status()
                let followed = status.text("cluster.standby").split(separator: " ")
                return followed.count == 2
                    && followed.allSatisfy { status["cluster.standby.\($0).lag-events"] == 0 }
            }
        }
        let (victim, others) = (daemons[2], Array(daemons[..<2]))
        let users = try (0..<60).map { "u\($0)" }.filter {
            try victim.call("CLUSTER", "WHERE", $0).string == places[2].socket
        }
        #expect(!users.isEmpty)
        let before = try users.map { try victim.call("USER.GET", $0) }
        try victim.kill()
        try eventually("the others have all: \(others.map(\.errors))") { try counted(others) == 600 }
        for daemon in others {
            try eventually("each knows who has whom now: \(daemon.errors)") {
                try daemon.status()["cluster.partitions.answered"] == 6
            }
            #expect(try users.map { try daemon.call("USER.GET", $0) } == before)
        }
        // After a while each stands by for the other.
        try eventually("each has copies of three: \(others.map(\.errors))") {
            try others.allSatisfy { try $0.status()["cluster.standby.ready"] == 3 }
        }
        for daemon in others { #expect(try daemon.stop() == .exit(0)) }
    }

    @Test("one that is killed and started at once again goes on as the same member, with its users")
    func comingAgain() throws {
        let host = try KafkaHost(partitions: 4)
        try host.kafka.createTopic("\(host.topic)-items", partitions: 1)
        try host.kafka.createTopic("\(host.topic)-users", partitions: 4)
        let settings =
            host.settings + [
                "cluster.enabled=true", "cluster.commit-interval-ms=200", "source.kafka.instance-id=auto",
            ]
        try host.produce((0..<200).map { TestRecord.rating("u\($0 % 20)", "i\($0 % 30)", 4) })
        let (placeA, placeB) = (try DaemonPlace(), try DaemonPlace())
        let (daemonA, daemonB) = (try placeA.start(settings), try placeB.start(settings))
        func haveAll(_ a: DaemonProcess, _ b: DaemonProcess) throws -> Bool {
            try events(of: a).count == 2 && events(of: b).count == 2 && counted([a, b]) == 200
        }
        try eventually("both have two: \(daemonA.errors) \(daemonB.errors)") { try haveAll(daemonA, daemonB) }
        func movesAtA() -> Int { daemonA.errors.components(separatedBy: "revoked").count }
        let (before, moves) = (try events(of: daemonB), movesAtA())
        let id = try String(contentsOfFile: placeB.stateFolder + "/instance-id", encoding: .utf8)
        try daemonB.kill()
        let again = try placeB.start(settings)
        try eventually("B is back: \(again.errors)", seconds: 120) { try haveAll(daemonA, again) }
        #expect(try String(contentsOfFile: placeB.stateFolder + "/instance-id", encoding: .utf8) == id)
        // The mock takes no notice of ids, and deals all partitions anew.
        if MockKafka.usesRealBroker {
            #expect(try events(of: again) == before)
            #expect(movesAtA() == moves)
        }
        #expect(try again.stop() == .exit(0))
        #expect(try daemonA.stop() == .exit(0))
    }

    @Test(
        "one whose place another process has taken ends with 69, and says which key has to be mended",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"),
        arguments: [false, true])
    func fenced(isCluster: Bool) throws {
        let host = try KafkaHost(partitions: 2)
        try host.kafka.createTopic("\(host.topic)-items", partitions: 1)
        try host.kafka.createTopic("\(host.topic)-users", partitions: 2)
        try host.produce((0..<50).map { TestRecord.rating("u\($0 % 20)", "i\($0 % 30)", 4) })
        let place = try DaemonPlace()
        let daemon = try place.start(
            host.settings + ["cluster.enabled=\(isCluster)", "source.kafka.instance-id=shop-1"])
        try daemon.waitUntilApplied(50)
        try host.kafka.refuse(.heartbeat, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, count: 1)
        #expect(try daemon.child.wait() == .exit(69), "\(daemon.errors)")
        let last = daemon.errors.split(separator: "\n").last.map(String.init) ?? ""
        for words in ["shop-1", "source.kafka.instance-id", "same id"] {
            #expect(last.contains(words), "\(last)")
        }
    }

    private func events(of daemon: DaemonProcess) throws -> [Int: Int] {
        let status = try daemon.status()
        return Dictionary(
            uniqueKeysWithValues: (0..<6).compactMap { partition -> (Int, Int)? in
                let events = status["cluster.partition.\(partition).events"]
                return events >= 0 ? (partition, events) : nil
            })
    }

    private func counted(_ daemons: [DaemonProcess]) throws -> Int {
        try daemons.reduce(0) { try $0 + events(of: $1).values.reduce(0, +) }
    }

    private func users(of item: String, at daemon: DaemonProcess) throws -> Int {
        Status(try daemon.call("ITEM.GET", item))["users"]
    }
}
