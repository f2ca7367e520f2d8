/// What a connection has said of itself.
struct Session: Sendable {
    let id: UInt64
    let connectedAt = ContinuousClock.now
    var version = RESPVersion.two
    var isAuthenticated: Bool
    var name = ""
    var libraryName = ""
    var libraryVersion = ""

    /// The state `RESET` goes back to.
    mutating func reset(isAuthenticated: Bool) {
        version = .two
        self.isAuthenticated = isAuthenticated
        name = ""
    }

    /// One line of `CLIENT LIST`, in Redis's form.
    func description(socketPath: String) -> String {
        let age = connectedAt.duration(to: .now).components.seconds
        return "id=\(id) addr=\(socketPath):0 name=\(name) age=\(age) db=0 resp=\(version.rawValue) "
            + "lib-name=\(libraryName) lib-ver=\(libraryVersion)"
    }
}
