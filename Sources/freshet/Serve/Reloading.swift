import Access
import Engine
import Foundation
import Locking
import Logging
import RPC
import Settings

/// Reads the configuration again and hands what changed to the parts of a running daemon.
final class Reloading: Sendable {
    private let daemon: Daemon
    private let log: DaemonLog
    private let load: @Sendable () throws -> Configuration
    /// What the daemon runs with.
    private let current: Lock<Configuration>

    /// - Parameter load: reads the configuration from where it was read at the start.
    init(
        of daemon: Daemon, configuration: Configuration, log: DaemonLog,
        load: @escaping @Sendable () throws -> Configuration
    ) {
        self.daemon = daemon
        self.log = log
        self.load = load
        current = Lock(configuration)
    }

    /// A wrong configuration changes nothing.
    func reload() {
        let reloading: ConfigurationReloading
        let rules: AccessRules
        let showCertificates: () -> Void
        do {
            let new = try load()
            rules = try new.accessRules()
            showCertificates = try daemon.security.readAgain()
            reloading = current.withLock { current in
                let reloading = current.reloading(new)
                current = reloading.configuration
                return reloading
            }
        } catch {
            return refuse(error)
        }
        apply(reloading.configuration, rules)
        showCertificates()
        tell(reloading)
    }

    private func apply(_ configuration: Configuration, _ rules: AccessRules) {
        log.level = configuration.log.level.loggerLevel
        configuration.change(daemon.log)
        daemon.engine.change(to: configuration.engineOptions)
        daemon.access.change(to: rules)
        daemon.server.change(to: Daemon.rpcOptions(configuration, daemon.access, engine: daemon.engine))
        daemon.server.closeUnknown()
    }

    private func refuse(_ error: any Error) {
        let problems = (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
        for problem in problems {
            daemon.logger.error("configuration not taken", metadata: ["problem": "\(problem)"])
        }
        daemon.logger.error("the configuration read again is wrong; nothing is changed")
    }

    private func tell(_ reloading: ConfigurationReloading) {
        for change in reloading.changed {
            daemon.logger.notice("configuration changed", metadata: Self.metadata(change))
        }
        for change in reloading.needRestart {
            daemon.logger.warning(
                "a changed key takes effect with a restart alone", metadata: Self.metadata(change))
        }
        daemon.logger.notice(
            "configuration read again",
            metadata: [
                "changed": "\(reloading.changed.count)", "need-restart": "\(reloading.needRestart.count)",
            ])
    }

    private static func metadata(_ change: ConfigurationChange) -> Logger.Metadata {
        ["key": "\(change.key)", "old": "\(change.old)", "new": "\(change.new)"]
    }
}

extension Configuration.Log.Level {
    /// The same of swift-log.
    var loggerLevel: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
