public import Settings

/// All findings about this machine and one configuration.
public struct Diagnosis: Sendable {
    /// In the order of the looks.
    public private(set) var findings: [Finding] = []

    /// Looks at everything. Takes milliseconds, and with Kafka as long as the broker takes to answer.
    ///
    /// - Parameters:
    ///   - configuration: as it was read, or what is wrong with it; the machine is looked at all the same.
    ///   - origin: where it was read from, for people.
    ///   - version: of this program.
    public init(
        of configuration: Result<Configuration, ConfigurationError>, from origin: String, version: String
    ) {
        findings += Self.findings(about: configuration, origin)
        findings += LibraryFindings.all
        findings += ProcessorFindings.all
        if let configuration = try? configuration.get() {
            let daemon = RunningDaemon(configuration)
            findings += FolderFindings(configuration).all
            findings += StateFindings(configuration).all
            findings += GenerationFindings(configuration).all
            findings += LogFindings(configuration, daemon: daemon).all
            findings += SocketFindings(configuration, daemon: daemon, version: version).all
            findings += CertificateFindings.all(configuration)
            findings += LimitFindings(configuration, daemon: daemon).all
        }
        findings += ClockFindings.all
    }

    /// The worst of the findings.
    public var level: Finding.Level {
        let levels = Set(findings.map(\.level))
        return levels.contains(.error) ? .error : levels.contains(.warning) ? .warning : .ok
    }

    private static func findings(
        about configuration: Result<Configuration, ConfigurationError>, _ origin: String
    ) -> [Finding] {
        switch configuration {
        case .success(let configuration):
            var findings = [Finding.ok("configuration", origin)]
            if !configuration.http.listen.isEmpty, configuration.http.listen != "auto",
                configuration.http.token.isEmpty,
                !["127.0.0.1:", "localhost:", "[::1]:"].contains(where: configuration.http.listen.hasPrefix)
            {
                findings.append(
                    .warning(
                        "configuration",
                        "http.listen is \(configuration.http.listen) and http.token is empty: whoever reaches it can "
                            + "read and feed", "set http.token, or listen on 127.0.0.1"))
            }
            return findings
        case .failure(let error):
            return error.problems.map {
                .error("configuration", "\($0)", "mend it; --help-config has all keys")
            }
        }
    }
}
