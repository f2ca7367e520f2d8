import Access
import Commands
import Foundation
import Locking
import NIOCore
import NIOPosix
import RPCSupport
import Testing

@testable import RPC

@Suite("Completion port")
struct CompletionPortTests {
    /// What happened, in order.
    private final class Course: Sendable {
        private let words = Lock<[String]>([])

        var all: [String] { words.withLock { $0 } }

        func add(_ word: String) { words.withLock { $0.append(word) } }
    }

    /// Runs `body` on an event loop, with a port of it, and lets the event loop come to rest.
    private func course(
        words: Int = 0, _ body: @escaping @Sendable (CompletionPort, any EventLoop, Course) -> Void
    ) async throws -> [String] {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let threads = LookupThreads(count: 1)
        let course = Course()
        let loop = loops.next()
        try await loop.submit {
            let total = MemoryTotal(bytesMax: 1 << 20)
            let environment = ServerEnvironment(
                service: FakeService(), options: RPCServerOptions(socketPath: scratch.socket))
            let handler = ConnectionHandler(
                session: Session(id: 1, peer: .unknown, AccessControl()), memory: ClientMemory(of: total),
                environment: environment, lookupThreads: threads, logger: silent)
            body(CompletionPort(handler, on: loop), loop, course)
        }.get()
        // Behind whatever the body has left for later, and what that has.
        for _ in 0..<3 { try await loop.submit {}.get() }
        if words > 0 { _ = await offPool { eventually { course.all.count >= words } } }
        await threads.stop()
        try await loops.shutdownGracefully()
        return course.all
    }

    @Test("what is delivered while the event loop is busy comes in order, in one task, and never at once")
    func together() async throws {
        let course = try await course { port, loop, course in
            port.deliver { _ in course.add("first") }
            // A task of the second delivery's own would come behind this one.
            loop.execute { course.add("another connection") }
            port.deliver { _ in course.add("second") }
            course.add("delivered")
        }
        #expect(course == ["delivered", "first", "second", "another connection"])
    }

    @Test("a patient delivery waits for others, and an urgent one takes it along in its place")
    func patient() async throws {
        let course = try await course(words: 4) { port, loop, course in
            port.deliver(isPatient: true) { _ in course.add("patient") }
            loop.execute { course.add("another connection") }
            loop.execute {
                port.deliver { _ in course.add("urgent") }
                port.deliver(isPatient: true) { _ in course.add("behind it") }
            }
        }
        #expect(course == ["another connection", "patient", "urgent", "behind it"])
        let alone = try await self.course(words: 2) { port, loop, course in
            port.deliver(isPatient: true) { _ in course.add("patient") }
            loop.execute { course.add("another connection") }
        }
        #expect(alone == ["another connection", "patient"])
    }

    @Test("what a delivery delivers in its turn comes later, and comes")
    func nested() async throws {
        let course = try await course { port, loop, course in
            port.deliver { _ in
                port.deliver { _ in course.add("inner") }
                course.add("outer")
            }
            loop.execute { course.add("another connection") }
        }
        #expect(course == ["outer", "another connection", "inner"])
    }

    @Test("once closed, the port swallows what comes and what has come")
    func closed() async throws {
        let course = try await course { port, _, course in
            port.deliver { _ in course.add("waits") }
            port.close()
            port.deliver { _ in course.add("comes") }
        }
        #expect(course == [])
    }

    @Test("a delivery that ends the connection is the last")
    func closedByADelivery() async throws {
        let course = try await course { port, _, course in
            port.deliver { _ in
                course.add("ends")
                port.close()
            }
            port.deliver { _ in course.add("comes") }
        }
        #expect(course == ["ends"])
    }

    @Test("what several threads deliver comes whole, each thread's in its order")
    func manyThreads() async throws {
        let course = try await course(words: 2_000) { port, _, course in
            for thread in 0..<4 {
                Thread.detachNewThread {
                    for number in 0..<500 { port.deliver { _ in course.add("\(thread) \(number)") } }
                }
            }
        }
        #expect(course.count == 2_000)
        for thread in 0..<4 {
            #expect(course.filter { $0.hasPrefix("\(thread) ") } == (0..<500).map { "\(thread) \($0)" })
        }
    }
}
