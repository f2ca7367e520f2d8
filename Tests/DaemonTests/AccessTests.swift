import Foundation
import RESP
import TestSupport
import Testing

@Suite("who may come in to a daemon", .serialized, .ownThread)
struct AccessTests {
    private let place: DaemonPlace
    private let (file, users): (String, String)

    init() throws {
        place = try DaemonPlace()
        file = place.folder.path("freshet.yaml")
        users = place.folder.path("users")
    }

    private func write(_ lines: [String]) throws {
        try (lines.joined(separator: "\n") + "\n").write(toFile: users, atomically: true, encoding: .utf8)
        chmod(users, 0o600)
    }

    /// As `freshet password` makes it.
    private func line(_ name: String, _ role: String, secretFile: String) throws -> String {
        let output = try FreshetBinary.run(
            ["password", name, "--role", role, "--generate", secretFile], in: place.folder)
        try #require(output.ending == .exit(0), "\(output.errors)")
        return output.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func password(_ file: String) throws -> String {
        try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    @Test("users of a file come in by their passwords, the client commands too; SIGHUP reads the file again")
    func namedUsers() throws {
        let secrets = ["one", "two"].map { place.folder.path($0) }
        let lines = [
            try line("watch", "read", secretFile: secrets[0]),
            try line("shop", "feed", secretFile: secrets[1]),
        ]
        try write(lines)
        try "access: {default-role: none, users-file: \(users)}".write(
            toFile: file, atomically: true, encoding: .utf8)
        let daemon = try place.launch(file: file)
        try eventually("it listens: \(daemon.errors)") { daemon.errors.contains(" ready") }
        let watch = try RPCClient(
            socketPath: place.socket, user: "watch", password: try password(secrets[0]))
        let shop = try RPCClient(
            socketPath: place.socket, user: "shop", password: try password(secrets[1]))
        #expect(try shop.call(["RATE", "u1", "i1", "5"]).string == "0:0")
        #expect(try watch.call(["RATE", "u1", "i1", "5"]).isError)
        let command = ["status", "--socket", place.socket, "--user", "watch", "--password-file", secrets[0]]
        #expect(try FreshetBinary.run(command, in: place.folder).ending == .exit(0))
        let without = try FreshetBinary.run(["status", "--socket", place.socket], in: place.folder)
        #expect(without.errors.contains("NOAUTH"), "\(without.errors)")

        // The file says less: who is gone from it is closed, who stays stays.
        try write([lines[1]])
        daemon.child.send(SIGHUP)
        try eventually("it was read again") { daemon.errors.contains("configuration read again") }
        // By its own loop, which may come to it after the log's line.
        try eventually("who is gone is closed") { (try? watch.call(["PING"])) == nil }
        #expect(try shop.call(["PING"]) == .simple("PONG"))
        // A file that others may read changes nothing.
        chmod(users, 0o644)
        daemon.child.send(SIGHUP)
        try eventually("it is refused") { daemon.errors.contains("nothing is changed") }
        #expect(daemon.errors.contains("chmod 640"))
        #expect(try shop.call(["PING"]) == .simple("PONG"))
        #expect(try daemon.stop() == .exit(0))
        for secret in try secrets.map(password) + lines.map({ String($0.split(separator: ":")[2]) }) {
            #expect(!daemon.errors.contains(secret))
        }
    }

    @Test("a file of users that is not as it has to be stops the start, and so does a user that nobody knows")
    func refusals() throws {
        try write(["planted-secret"])
        let wrong = try place.refusal(["access.users-file=\(users)"])
        #expect(wrong.ending == .exit(78))
        #expect(wrong.errors.contains("line 1: not name:role:hash"))
        #expect(!wrong.errors.contains("planted"))
        let unknown = try place.refusal(["access.uids={no-such-user-here: read}"])
        #expect(unknown.ending == .exit(78))
        #expect(
            unknown.errors.contains("access.uids.no-such-user-here: the system knows no user of this name"))
    }

    @Test("secrets are in no output: not in logs, answers, metrics, help, errors or what doctor says")
    func noSecrets() throws {
        let planted = "planted-\(UInt64.random(in: 0 ... .max))"
        let secret = place.folder.path("secret")
        let hash = try line("boss", "admin", secretFile: secret)
        try write([hash])
        let settings = [
            "rpc.password=\(planted)", "http.token=\(planted)", "access.users-file=\(users)",
            "log.level=trace",
            "http.listen=127.0.0.1:0",
        ]
        let daemon = try place.launch(settings)
        try eventually("it listens: \(daemon.errors)") { daemon.errors.contains(" ready") }
        var outputs: [String] = []
        let client = try RPCClient(socketPath: place.socket, password: planted)
        let words = [
            "INFO", "STATUS", "MODELS", "CONFIG GET *", "ACL LIST", "ACL USERS", "CLIENT LIST", "CLIENT INFO",
            "COMMAND DOCS", "AUTH default \(planted)x", "AUTH \(planted)", "AUTH \(planted) \(planted)",
            "AUTHX \(planted)",
            "HELLO 3 AUTH boss \(planted)", "CONFIG SET requirepass \(planted)x",
        ]
        for line in words {
            let answer = try client.call(line.split(separator: " ").map(String.init))
            // What a client itself sent may come back to it, as Redis has it.
            if !line.contains("AUTHX") { outputs.append("\(answer)") }
        }
        daemon.child.send(SIGHUP)
        try eventually("it was read again") { daemon.errors.contains("configuration read again") }
        let doctor = try FreshetBinary.run(
            ["doctor"]
                + (["state.folder=\(place.stateFolder)", "rpc.socket=\(place.socket)"] + settings)
                .flatMap { ["--set", $0] }, in: place.folder)
        outputs += [doctor.output, doctor.errors]
        #expect(try daemon.stop() == .exit(0))
        outputs.append(daemon.errors)
        let help = try FreshetBinary.run(["serve", "--help-config"], in: place.folder)
        outputs.append(help.output)
        // Wrong values of secret keys, misspelt keys, and a file that is no YAML.
        for wrong in [
            ["--set", "http.token=\(planted) with blanks"], ["--set", "rpc.pasword=\(planted)"],
            ["--set", "source.kafka.properties=\(planted): ["],
            ["--set", "source.kafka.properties=\(planted)"],
        ] {
            let refused = try FreshetBinary.run(["serve"] + wrong, in: place.folder)
            #expect(refused.ending == .exit(78))
            outputs += [refused.output, refused.errors]
        }
        try "rpc:\n  password: {\(planted): [".write(toFile: file, atomically: true, encoding: .utf8)
        let broken = try FreshetBinary.run(["serve", "--config", file], in: place.folder)
        #expect(broken.errors.contains("not YAML"))
        outputs += [broken.output, broken.errors]
        for output in outputs {
            #expect(!output.contains(planted), "\(output.prefix(2_000))")
            #expect(!output.contains(try password(secret)))
            #expect(!output.contains(hash.split(separator: ":")[2]))
        }
        #expect(outputs.count > 15)
    }
}
