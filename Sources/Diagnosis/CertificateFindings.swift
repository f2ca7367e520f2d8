import Foundation
import Settings
import TransportSecurity

/// The certificates by which TCP is sealed.
enum CertificateFindings {
    static func all(_ configuration: Configuration) -> [Finding] {
        [
            finding("rpc.tls", configuration.rpc.tls) { () throws(AccessConfigurationError) in
                try configuration.rpcSecurity()
            },
            finding("http.tls", configuration.http.tls) { () throws(AccessConfigurationError) in
                try configuration.httpSecurity()
            },
        ].compactMap { $0 }
    }

    private static func finding(
        _ section: String, _ tls: Configuration.TLS,
        _ read: () throws(AccessConfigurationError) -> ServerSecurity?
    ) -> Finding? {
        do throws(AccessConfigurationError) {
            guard let server = try read() else { return nil }
            let days = Int(server.ends.timeIntervalSinceNow / 86_400)
            let found =
                "\(section): '\(tls.certificate)' ends at \(server.ends.formatted(.iso8601)), in \(days) days"
            guard !server.endsSoon else {
                return .warning(
                    "certificate", found,
                    "have it made anew; the daemon reads it again with SIGHUP (systemctl reload)")
            }
            return .ok("certificate", found)
        } catch {
            return .error("certificate", error.description, "mend it; the daemon does not start with it")
        }
    }
}
