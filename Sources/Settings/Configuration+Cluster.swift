import Foundation

#if canImport(Glibc)
    internal import Glibc
#endif

extension Configuration {
    /// How this daemon comes in at the others of its group over TCP; `nil` where it is not said.
    ///
    /// - Throws: `AccessConfigurationError` where the file cannot be read, or others may read it.
    public func clusterCredentials() throws(AccessConfigurationError) -> (user: String, password: String)? {
        guard !cluster.user.isEmpty else { return nil }
        let path = cluster.passwordFile
        var status = stat()
        guard stat(path, &status) == 0, let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Self.failure("'\(path)' cannot be read: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & 0o007 == 0 else {
            throw Self.failure("'\(path)' may be used by others: chmod 640 \(path)")
        }
        let line = text.prefix { !$0.isNewline }
        guard !line.isEmpty else { throw Self.failure("'\(path)' has no first line") }
        return (cluster.user, String(line))
    }

    private static func failure(_ words: String) -> AccessConfigurationError {
        AccessConfigurationError(description: "cluster.password-file: \(words)")
    }
}
