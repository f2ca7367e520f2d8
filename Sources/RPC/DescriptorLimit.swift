#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The system's bound on the files and sockets that the process has open at once.
///
/// A server that has none left cannot accept, not even to refuse: who connects then waits and is never answered.
enum DescriptorLimit {
    /// What state, log, brokers and event loops need beside the connections.
    static let reserved = 256

    /// Raises the bound as far as this process may, so that `connections` fit.
    ///
    /// - Returns: how many do fit, at least one.
    static func makeRoom(for connections: Int) -> Int {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return connections }
        let wanted = rlim_t(connections + reserved)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = min(wanted, limit.rlim_max)
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return fitting(connections, within: UInt64(limit.rlim_cur))
    }

    static func fitting(_ connections: Int, within limit: UInt64) -> Int {
        min(connections, max(1, Int(clamping: limit) - reserved))
    }
}
