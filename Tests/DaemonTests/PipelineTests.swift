import Foundation
import RESP
import TestSupport
import Testing

/// What stock clients do with a daemon: whole pipelines, transactions, passwords.
@Suite("pipelines and transactions", .serialized, .ownThread)
struct PipelineTests {
    @Test(
        "a pipeline of 20,000 ratings and look-ups, written before anything is read, is stored and answered whole"
    )
    func writeBeforeRead() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let commands = (0..<10_000).flatMap { number in
            [
                ["RATE", "u\(number % 90)", "i\(number % 40)", "\(1 + number % 5)"],
                ["RECOMMEND", "u\(number % 90)", "COUNT", "10"],
            ]
        }
        let request = commands.map { $0.joined(separator: " ") + "\r\n" }.joined()
        let answers = try PlainSocket(place.socket).ask(request)
        #expect(answers.count { $0 == UInt8(ascii: "*") } == 10_000)
        try daemon.waitUntilApplied(10_000)
        #expect(try daemon.status()["rpc.connections.cut-off"] == 0)
    }

    @Test("a client whose answers pass the bound is closed, and the log names the key")
    func bound() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["rpc.client-bytes-max=1048576"])
        _ = try daemon.tokens((0..<100).map { ["RATE", "u1", "i\($0)", "5"] })
        // Before that the user is unknown, and the answers are short.
        try daemon.waitUntilApplied(100)
        let request = String(repeating: "USER.GET u1 COUNT 100\r\n", count: 2_000)
        let socket = try PlainSocket(place.socket)
        socket.send(request)
        try eventually("the log tells of it") {
            daemon.errors.contains("rpc.client-bytes-max is 1048576")
        }
        #expect(try daemon.call("PING") == .simple("PONG"))
        #expect(try daemon.status()["rpc.connections.cut-off"] == 1)
    }

    @Test("EXEC stores its events in order; an EXEC with a refused command stores none")
    func transactions() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let client = try daemon.client
        for command in [["MULTI"], ["RATE", "never", "tea", "5"], ["RATE", "never"]] {
            _ = try client.call(command)
        }
        #expect(
            try client.call(["EXEC"])
                == .error("EXECABORT Transaction discarded because of previous errors."))
        for command in [["MULTI"], ["RATE", "tx", "tea", "5"], ["RATE", "tx", "rum", "1"]] {
            _ = try client.call(command)
        }
        #expect(try client.call(["EXEC"]) == .array([.text("0:0"), .text("0:1")]))
        try daemon.waitUntilApplied(2)
        guard case .error(let unknown) = try daemon.call("USER.GET", "never") else {
            Issue.record("an event of the refused transaction was stored")
            return
        }
        #expect(unknown.hasPrefix("NOUSER "))
        guard case .array(let history)? = try daemon.call("USER.GET", "tx")["history"] else {
            Issue.record("no history")
            return
        }
        // Newest first.
        #expect(history.map { $0["item"] } == [.text("rum"), .text("tea")])
    }

    @Test("feed brings the password that the configuration has")
    func feedWithPassword() throws {
        let place = try DaemonPlace()
        let file = place.folder.path("events.jsonl")
        try Data("{\"user\":\"u\",\"item\":\"i\",\"rating\":4}\n".utf8).write(to: URL(filePath: file))
        let child = try place.launch(["rpc.password=secret"])
        try eventually("the daemon lets in who knows the password: \(child.errors)") {
            (try? RPCClient(socketPath: place.socket, password: "secret")) != nil
        }
        let client = try RPCClient(socketPath: place.socket, password: "secret")
        let (ending, _, errors) = try FreshetBinary.run(
            ["feed", file, "--socket", place.socket, "--set", "rpc.password=secret"], in: place.folder)
        #expect(ending == .exit(0), "\(errors)")
        try eventually("the event is learned") {
            Status(try client.call(["STATUS"]))["events.applied"] == 1
        }
        #expect(try child.stop() == .exit(0))
    }
}

/// Sends bytes as they are, and reads until the daemon has closed.
private final class PlainSocket {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard answer == 0 else { throw TestFailure("cannot connect to \(path): \(errno)") }
    }

    deinit { close(descriptor) }

    /// All of it, however long the daemon takes to read it; less where the daemon closes.
    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends all, ends the sending, and only then reads.
    func ask(_ text: String) -> [UInt8] {
        send(text)
        shutdown(descriptor, Int32(SHUT_WR))
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = recv(descriptor, &bytes, bytes.count, 0), count > 0 {
            all += bytes.prefix(count)
        }
        return all
    }
}
