import Foundation
import RESP
import TestSupport
import Testing

/// The part of systemd that listens on `NOTIFY_SOCKET`.
private final class Notices {
    let path: String
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw TestFailure("cannot listen on \(path)") }
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The next notice, line by line.
    func next() throws -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw TestFailure("no notice came within 60 s") }
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

@Suite("under systemd", .ownThread)
struct ReadinessTests {
    @Test(
        "READY comes once the state is restored and the socket answers, RELOADING and READY with SIGHUP, STOPPING with SIGTERM"
    )
    func notices() throws {
        let place = try DaemonPlace()
        try place.fillLog(try Streams.invented(events: 500))
        let first = try place.start()
        try first.waitUntilApplied(500)
        #expect(try first.stop() == .exit(0))

        let notices = try Notices(path: place.folder.path("n"))
        let daemon = try place.launch(variables: ["NOTIFY_SOCKET=\(notices.path)"])
        #expect(try notices.next().contains("READY=1"))
        // No waiting here: it has just said that it answers.
        let ping = try RPCClient(socketPath: place.socket)
        #expect(try Status(ping.call(["STATUS"]))["events.applied"] >= 500)
        daemon.child.send(SIGHUP)
        #expect(try notices.next().contains("RELOADING=1"))
        #expect(try notices.next().contains("READY=1"))
        daemon.child.send(SIGTERM)
        #expect(try notices.next().contains("STOPPING=1"))
        #expect(try daemon.child.wait() == .exit(0))
    }

    @Test(
        "under a watchdog of systemd's it tells again and again that its queue answers, under another's not")
    func watchdog() throws {
        let place = try DaemonPlace()
        let notices = try Notices(path: place.folder.path("n"))
        let daemon = try place.launch(
            variables: ["NOTIFY_SOCKET=\(notices.path)", "WATCHDOG_USEC=40000"])
        #expect(try notices.next().contains("READY=1"))
        for _ in 0..<3 { #expect(try notices.next() == ["WATCHDOG=1"]) }
        #expect(try daemon.stop() == .exit(0))

        let other = try place.launch(
            variables: ["NOTIFY_SOCKET=\(notices.path)", "WATCHDOG_USEC=40000", "WATCHDOG_PID=1"])
        var next = try notices.next()
        while next == ["WATCHDOG=1"] || next.contains("STOPPING=1") { next = try notices.next() }
        #expect(next.contains("READY=1"))
        other.child.send(SIGHUP)
        // Nothing in between.
        let reloading = try notices.next()
        #expect(reloading.contains("RELOADING=1"))
        #expect(reloading.contains { $0.hasPrefix("MONOTONIC_USEC=") })
        #expect(try other.stop() == .exit(0))
    }
}
