import Checkpoints
import EmbeddedEventLog
import Engine
import EventLog
import Events
import Foundation
import Logging
import Settings
import TestSupport
import Testing

@testable import Diagnosis

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite("freshet doctor's looks", .ownThread)
struct DiagnosisTests {
    private func configuration(_ folder: TestSupport.Folder, _ settings: [String] = []) throws
        -> Configuration
    {
        try Configuration.load(
            file: nil, environment: [:],
            settings: ["state.folder=\(folder.path)/state", "http.listen=127.0.0.1:0"] + settings)
    }

    private func findings(_ configuration: Configuration, _ subject: String) -> [Finding] {
        Diagnosis(of: .success(configuration), from: "test", version: "1").findings.filter {
            $0.subject == subject
        }
    }

    @Test("a machine on which nothing is installed yet is found fit for a first start, and left as it was")
    func fresh() throws {
        let folder = TestSupport.Folder()
        let diagnosis = Diagnosis(of: .success(try configuration(folder)), from: "test", version: "1")
        #expect(!diagnosis.findings.contains { $0.level == .error })
        #expect(diagnosis.findings.contains { $0.subject == "state" && $0.found.hasPrefix("none yet") })
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/state"))
    }

    @Test("each problem of a wrong configuration is an error, and the machine is looked at all the same")
    func wrongConfiguration() throws {
        do throws(ConfigurationError) {
            _ = try Configuration.load(
                file: nil, environment: [:], settings: ["engine.factors=7", "nosuch=1"])
            Issue.record("it was taken")
        } catch {
            let diagnosis = Diagnosis(of: .failure(error), from: "test", version: "1")
            #expect(
                diagnosis.findings.filter { $0.subject == "configuration" && $0.level == .error }.count == 2)
            #expect(diagnosis.findings.contains { $0.subject == "librdkafka" })
            #expect(diagnosis.level == .error)
        }
    }

    @Test(
        "a state of other models is an error that says what to do; with its own configuration it is told what it holds"
    )
    func state() throws {
        let folder = TestSupport.Folder()
        let own = try configuration(folder)
        try FileManager.default.createDirectory(atPath: own.state.folder, withIntermediateDirectories: true)
        let file = try StateFile(
            path: own.state.folder + "/state.sqlite",
            identity: own.engineOptions.identity(source: own.logSource))
        try file.close()
        #expect(findings(own, "state").first?.level == .ok)
        let other = findings(try configuration(folder, ["engine.factors=32"]), "state")
        #expect(other.first?.level == .error)
        #expect(other.first?.remedy?.contains("name another state.folder") == true)
    }

    @Test("certificates are told with their end, and what is wrong with one")
    func certificates() throws {
        let folder = TestSupport.Folder()
        let (certificate, key) = try TestCertificate.server.write(to: folder.path)
        #expect(findings(try configuration(folder), "certificate").isEmpty)
        let settings = ["http.tls.certificate=\(certificate)", "http.tls.key=\(key)"]
        let fine = findings(try configuration(folder, settings), "certificate")
        #expect(fine.count == 1)
        #expect(fine.first?.level == .ok)
        #expect(fine.first?.found.hasPrefix("http.tls: '\(certificate)' ends at 21") == true)
        let old = try TestCertificate.expired.write(to: folder.path)
        let wrong = findings(
            try configuration(
                folder, ["rpc.tls.certificate=\(old.certificate)", "rpc.tls.key=\(old.key)"]), "certificate")
        #expect(wrong.first?.level == .error)
        #expect(wrong.first?.found.contains("ended at 2021-01-01") == true)
    }

    @Test(
        "an embedded log is told with what it holds, and beside an older position with what is not learned yet"
    )
    func embedded() throws {
        let folder = TestSupport.Folder()
        let configuration = try configuration(folder)
        try FileManager.default.createDirectory(
            atPath: configuration.state.folder, withIntermediateDirectories: true)
        let log = try EmbeddedLog(path: configuration.state.folder + "/log.sqlite", logger: quiet)
        log.putAside(
            DeadLetter(
                token: Token(partition: 0, offset: 0), time: 1, reason: "no event", payload: Array("x".utf8)))
        try log.flushDeadLetters(isLast: true)
        // Beside the open log, as beside a daemon.
        #expect(
            findings(configuration, "log") == [
                .ok("log", "partition 0 holds 0 to 0, nothing learned of it yet")
            ])
        let letters = findings(configuration, "dead letters")
        #expect(letters.first?.level == .warning)
        #expect(letters.first?.found == "1 malformed events were put aside")
        log.close()
        try Data("no database".utf8).write(to: URL(filePath: configuration.state.folder + "/log.sqlite"))
        #expect(findings(configuration, "log").first?.level == .error)
    }

    @Test("a socket's path that is too long, or something else that stands there, is an error")
    func socket() throws {
        let folder = TestSupport.Folder()
        let long = "/tmp/" + String(repeating: "x", count: 120)
        // One that is named is refused with the configuration; this one comes of the folder.
        let deep = try configuration(folder, ["state.folder=\(long)"])
        #expect(findings(deep, "socket").first?.level == .error)
        let file = folder.path + "/file"
        try Data().write(to: URL(filePath: file))
        let taken = findings(try configuration(folder, ["rpc.socket=\(file)"]), "socket")
        #expect(taken.first?.found == "'\(file)' exists and is no socket")
        let free = findings(try configuration(folder, ["rpc.socket=\(folder.path)/s"]), "socket")
        #expect(free.first?.level == .ok)
    }

    private func kafka(_ cluster: MockKafka, topic: String, dead: String) -> [String] {
        [
            "source.kind=kafka", "source.kafka.brokers=\(cluster.bootstrap)", "source.kafka.topic=\(topic)",
            "source.kafka.group=\(topic)", "source.kafka.dead-letter-topic=\(dead)",
        ]
    }

    @Test("a broker, its topic with all partitions, and a dead-letter topic that takes letters are found")
    func cluster() throws {
        let folder = TestSupport.Folder()
        let cluster = try MockKafka()
        let (topic, dead) = (
            try cluster.uniqueTopic("events", partitions: 2), try cluster.uniqueTopic("dead")
        )
        let configuration = try configuration(folder, kafka(cluster, topic: topic, dead: dead))
        let all = Diagnosis(of: .success(configuration), from: "test", version: "1").findings
        #expect(all.contains { $0.subject == "broker" && $0.level == .ok })
        let topics = all.filter { $0.subject == "topic" }
        #expect(topics.count == 3)
        #expect(topics.first?.found.hasPrefix("'\(topic)', 2 partitions") == true)
        #expect(
            all.first { $0.subject == "dead letters" }
                == .ok("dead letters", "'\(dead)' is there and takes what is written"))
    }

    @Test("a topic that is missing, and a broker that is, are errors with the command that mends them")
    func missing() throws {
        let folder = TestSupport.Folder()
        let cluster = try MockKafka()
        let names = (MockKafka.uniqueName("events"), MockKafka.uniqueName("dead"))
        let absent = try configuration(folder, kafka(cluster, topic: names.0, dead: names.1))
        let topic = findings(absent, "topic")
        #expect(topic.first?.found == "there is no topic '\(names.0)'")
        #expect(topic.first?.remedy?.contains("--create --topic \(names.0)") == true)
        #expect(findings(absent, "dead letters").first?.level == .error)
        let nobody = try configuration(
            folder, ["source.kind=kafka", "source.kafka.brokers=127.0.0.1:1", "source.kafka.topic=x"])
        let broker = findings(nobody, "broker")
        #expect(broker.first?.level == .error)
        #expect(broker.first?.found.hasPrefix("127.0.0.1:1 does not answer") == true)
    }
}
