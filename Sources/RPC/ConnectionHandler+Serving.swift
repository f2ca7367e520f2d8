import Access
import Commands
import Engine
import LookUps
import NIOCore
import NIOPosix
import RESP

extension ConnectionHandler {
    /// Whether one more command may start now.
    private var canStart: Bool {
        (phase == .open || phase == .draining || (phase == .handingOver && isUnfinished))
            && !isAuthenticating && replies.count < environment.options.commandsInFlightMax
            && pipelinedUnderWay < Self.pipelinedUnderWayMax
            && output.readableBytes + replies.heldBytes <= environment.options.clientBytesMax && !isHeldBack
    }

    /// All connections together hold too much, and this one has a part in it: it begins nothing more until others have been
    /// closed, or it is itself. Else all would go on filling while one after the other is closed.
    private var isHeldBack: Bool {
        environment.registry.total.isPassed
            && output.readableBytes + replies.heldBytes > Self.heldBackBytes
    }

    var isPaused: Bool {
        !throwsInputAway && (isTurnScheduled || (phase != .open && phase != .handingOver) || !canStart)
    }

    /// One turn: starts what can start, sends what is ready, and sees to what comes next.
    func serve() {
        guard context != nil, !isServing else { return scheduleTurn() }
        isServing = true
        defer { isServing = false }
        let mayHaveMore = startCommands()
        send()
        // Sending may have closed the connection.
        guard let context else { return }
        if phase == .closing, replies.isEmpty, output.isEmpty { linger(context) }
        handOverIfQuiet(context)
        if mayHaveMore, canStart { scheduleTurn() }
        if isHeldBack { waitForRoom(context) }
        if phase == .open { armRequestTimer(waitsForClient: !mayHaveMore && canStart) }
        if isReadHeldBack, !isPaused {
            isReadHeldBack = false
            context.read()
        }
    }

    private func waitForRoom(_ context: ChannelHandlerContext) {
        guard !isWaitingForRoom else { return }
        isWaitingForRoom = true
        environment.registry.evictLargest()
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.roomInterval) {
            self.isWaitingForRoom = false
            self.scheduleTurn()
        }
    }

    /// Whether there may be another whole request.
    private func startCommands() -> Bool {
        var left = Self.commandsPerTurnMax
        defer {
            answerTogether()
            compactInput()
        }
        while canStart {
            guard left > 0 else {
                isPipelining = true
                return true
            }
            left -= 1
            if let request = execution.requests.popFirst() {
                execution.bytes -= request.memoryBytes
                start(request, isSilent: execution.isSilent)
                continue
            }
            do throws(RESPProtocolError) {
                guard let request = try decoder.next(from: &input) else {
                    if phase == .draining { phase = .closing }
                    // One command by itself: the client waits for its answer.
                    if replies.count <= 1, left == Self.commandsPerTurnMax - 2 { isPipelining = false }
                    return false
                }
                start(request)
            } catch {
                refuse(error)
            }
        }
        return input.readableBytes > 0 || !execution.requests.isEmpty
    }

    private func start(_ request: RESPRequest, isSilent: Bool = false) {
        let place = replies.take()
        let isSkipped = session.replies.takeSkip()
        let wasGuest = session.identity == nil
        let outcome = environment.commands.table.start(request, &session, environment.commands)
        if wasGuest != (session.identity == nil) { seeToGuest() }
        // Kept with the place: HELLO answers in the version it chose, and leaves answers still under way as they were.
        let form = ReplyForm(
            version: session.version, isSilent: isSilent || isSkipped || session.replies != .on)
        switch outcome {
        case .reply(let value): fill(place, value, form)
        case .close(let value):
            fill(place, value, form)
            phase = .closing
        case .execute(let transaction): execute(transaction, place, form)
        case .authenticate(let authentication):
            authenticate(authentication, place, isSilent: form.isSilent)
        case .lookup(let lookup): start(lookup, place, form)
        case .forward(let forwarding): forward(forwarding, place, form)
        case .gather(let gathering): gather(gathering, place, form)
        case .later(let begin):
            begin { [port] value in
                port?.deliver(isPatient: true) { $0.complete(place, value, form) }
            }
        }
    }

    private func authenticate(
        _ authentication: Authentication, _ place: ReplyQueue.Place, isSilent: Bool
    ) {
        isAuthenticating = true
        let access = environment.options.access
        access.check(authentication.credentials, session.peer) { [port] verdict in
            port?.deliver { handler in
                handler.isAuthenticating = false
                let value = authentication.finish(verdict, &handler.session)
                handler.seeToGuest()
                let form = ReplyForm(version: handler.session.version, isSilent: isSilent)
                handler.complete(place, value, form)
            }
        }
    }

    /// The answer of `EXEC` is an array of its commands' answers: its head goes out here, and the answers of the
    /// commands, which are the next to be started, stand behind it as those of any pipeline do.
    private func execute(_ transaction: Transaction, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        execution = Execution(
            requests: transaction.requests, bytes: transaction.bytes, isSilent: form.isSilent)
        replies.fill(place, movingTo: &output.buffer) { buffer in
            guard !form.isSilent else { return }
            RESPEncoder(version: form.version)
                .encodeArrayHeader(transaction.requests.count, into: &buffer)
        }
    }

    private func start(_ lookup: Lookup, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        guard let after = lookup.after else { return run(lookup, place, form) }
        environment.commands.service.waitUntilLearned(after.token, timeout: after.timeout) { [port] result in
            port?.deliver { handler in
                switch result {
                case .success: handler.run(lookup, place, form)
                case .failure(let error): handler.fill(place, .error(error.description), form)
                }
                handler.scheduleTurn()
            }
        }
    }

    private func run(_ lookup: Lookup, _ place: ReplyQueue.Place, _ form: ReplyForm) {
        if isPipelining { return answerTogether(PipelinedLookup(lookup: lookup, place: place, form: form)) }
        guard leavesEventLoop(lookup) else {
            return fill(place, lookup.evaluate(), form)
        }
        lookupThreads.single.submit { [port] state in
            guard state == .active else { return }
            let value = lookup.evaluate()
            port?.deliver { $0.complete(place, value, form) }
        }
    }

    func leavesEventLoop(_ lookup: Lookup) -> Bool {
        if lookup.isLong { return true }
        switch environment.options.lookupLength() {
        case .short: return false
        case .medium: return replies.count > 1 || input.readableBytes > 0 || !execution.requests.isEmpty
        case .long: return true
        }
    }

    func fill(_ place: ReplyQueue.Place, _ value: RESPValue, _ form: ReplyForm) {
        replies.fill(place, movingTo: &output.buffer) { buffer in
            guard !form.isSilent else { return }
            RESPEncoder(version: form.version).encode(value, into: &buffer)
        }
    }

    private func complete(_ place: ReplyQueue.Place, _ value: RESPValue, _ form: ReplyForm) {
        fill(place, value, form)
        scheduleTurn()
    }

    /// Answers, and closes once the answers of what came before have gone out.
    func refuse(_ error: some CustomStringConvertible) {
        fill(replies.take(), .error(error.description), ReplyForm(version: session.version))
        phase = .closing
        throwsInputAway = true
        input = ByteBuffer()
    }

    /// Answers that come in one tick of the event loop go out in one write.
    func scheduleTurn() {
        guard let context, !isTurnScheduled else { return }
        isTurnScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.serve()
        }
    }

    private func compactInput() {
        if input.readableBytes == 0 {
            input = ByteBuffer()
        } else if input.readerIndex > input.readableBytes {
            // Each byte is moved at most as often as one was consumed.
            input.discardReadBytes()
        }
    }
}
