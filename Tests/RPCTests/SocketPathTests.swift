import Foundation
import RESP
import RPCSupport
import Testing

@testable import RPC

@Suite("socket path")
struct SocketPathTests {
    private func server(_ path: String) -> RPCServer {
        RPCServer(options: RPCServerOptions(socketPath: path), service: FakeService(), logger: silent)
    }

    private func refusal(_ path: String) async -> RPCServerError? {
        let server = server(path)
        do throws(RPCServerError) {
            try await server.start()
            await server.shutdown(grace: .zero)
            return nil
        } catch {
            return error
        }
    }

    @Test("the socket has mode 0660, whatever the umask")
    func mode() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = server(scratch.socket)
        try await server.start()
        let attributes = try FileManager.default.attributesOfItem(atPath: scratch.socket)
        #expect((attributes[.posixPermissions] as? Int) == 0o660)
        await server.shutdown(grace: .zero)
    }

    @Test("a socket that nobody answers on is replaced")
    func stale() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var address = try #require(UnixSocket.address(of: scratch.socket))
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(UnixSocket.withAddress(&address) { bind(descriptor, $0, $1) } == 0)
        close(descriptor)
        let server = server(scratch.socket)
        try await server.start()
        let path = scratch.socket
        #expect(
            try await offPool { Result { try RPCClient(socketPath: path).call(["PING"]) } }.get()
                == .simple("PONG"))
        await server.shutdown(grace: .zero)
    }

    @Test("a second daemon is refused, and the first goes on")
    func live() async throws {
        try await withServer { path, _ in
            let client = try RPCClient(socketPath: path)
            let error = try #require(blockingRefusal(path))
            #expect(error.code == .taken)
            #expect(error.message.contains("another daemon"))
            #expect(error.message.contains(path))
            #expect(try client.call(["PING"]) == .simple("PONG"))
            #expect(try RPCClient(socketPath: path).call(["PING"]) == .simple("PONG"))
        }
    }

    @Test("another program's socket that answers is left alone, with no lock of ours beside it")
    func foreign() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var address = try #require(UnixSocket.address(of: scratch.socket))
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(UnixSocket.withAddress(&address) { bind(descriptor, $0, $1) } == 0)
        #expect(listen(descriptor, 1) == 0)
        let error = try #require(await refusal(scratch.socket))
        #expect(error.code == .taken)
        #expect(error.message.contains("another daemon answers at socket '\(scratch.socket)'"))
        #expect(FileManager.default.fileExists(atPath: scratch.socket))
    }

    @Test("a file that is no socket is never removed")
    func notASocket() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try "precious".write(toFile: scratch.socket, atomically: false, encoding: .utf8)
        let error = try #require(await refusal(scratch.socket))
        #expect(error.code == .taken)
        #expect(error.message.contains("is no socket"))
        #expect(try String(contentsOfFile: scratch.socket, encoding: .utf8) == "precious")
    }

    @Test("a path too long, empty or in a missing folder is refused by name, with the way out")
    func badPaths() async throws {
        let long = "/tmp/" + String(repeating: "x", count: 103)
        let tooLong = try #require(await refusal(long))
        #expect(tooLong.code == .invalidPath)
        #expect(tooLong.message.contains("has 108 bytes"))
        #expect(tooLong.message.contains("at most \(UnixSocket.pathBytesMax)"))
        #expect(try #require(await refusal("")).code == .invalidPath)
        let missing = try #require(await refusal("/tmp/fr-nowhere/s"))
        #expect(missing.code == .folderMissing)
        #expect(missing.message.contains("mkdir -p '/tmp/fr-nowhere'"))
    }

    @Test("a folder that cannot be written is refused by name")
    func notWritable() async throws {
        // /proc refuses new files even to root, for whom no mode of a folder of our own would matter.
        let path = geteuid() == 0 ? "/proc/self/s" : "/usr/s"
        let error = try #require(await refusal(path))
        #expect([.notWritable, .folderMissing].contains(error.code))
        #expect(error.message.contains("'\(path)'"))
    }

    @Test("a server starts once")
    func once() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = server(scratch.socket)
        try await server.start()
        await #expect(throws: RPCServerError.self) { try await server.start() }
        await server.shutdown(grace: .zero)
        await server.shutdown(grace: .zero)
        await #expect(throws: RPCServerError.self) { try await server.start() }
    }

    @Test("a client says how to start a daemon that does not run")
    func clientWithoutDaemon() {
        let nobody = #expect(throws: RPCClientError.self) { try RPCClient(socketPath: "/tmp/fr-nobody-here") }
        #expect(nobody?.message.contains("'/tmp/fr-nobody-here'") == true)
        #expect(nobody?.message.contains("start it with `freshet serve`") == true)
        let long = #expect(throws: RPCClientError.self) {
            try RPCClient(socketPath: String(repeating: "x", count: 200))
        }
        #expect(long?.message.contains("has 200 bytes") == true)
    }

    /// For use where the test already runs outside of the cooperative threads.
    private func blockingRefusal(_ path: String) -> RPCServerError? {
        do throws(RPCServerError) {
            let (place, descriptor) = try SocketPath.claim(path)
            close(descriptor)
            place.release()
            return nil
        } catch {
            return error
        }
    }
}
