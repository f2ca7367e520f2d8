/// What a daemon that runs makes of a changed key when it reads its configuration again.
enum ConfigurationReload: String, Sendable {
    case restart = "needs a restart"
    case atOnce = "yes"
    /// Connections that are open stay as they are.
    case newConnections = "yes, for connections opened afterwards"
}

/// One key whose value differs between two configurations.
public struct ConfigurationChange: Sendable, Equatable, CustomStringConvertible {
    /// The key's name.
    public var key: String
    /// The values as they would stand in the file; of a secret only that there is one.
    public var old: String
    /// See `old`.
    public var new: String

    /// `log.level info → debug`.
    public var description: String { "\(key) \(old) → \(new)" }

    init?(_ key: ConfigurationKey, from old: Configuration, to new: Configuration) {
        let (before, after) = (key.text(old), key.text(new))
        guard before != after else { return nil }
        self.key = key.name
        self.old = key.isSecret ? Self.hidden(before) : before
        self.new = key.isSecret ? Self.hidden(after) : after
    }

    private static func hidden(_ text: String) -> String {
        ["\"\"", "{}"].contains(text) ? "(none)" : "(hidden)"
    }
}

/// What reading the configuration again means to a daemon that runs.
public struct ConfigurationReloading: Sendable, Equatable {
    /// What holds from now on: the old configuration with the values of keys that may change while the daemon runs.
    public var configuration: Configuration
    /// The keys that took effect.
    public var changed: [ConfigurationChange] = []
    /// The keys that would take effect with the next start.
    public var needRestart: [ConfigurationChange] = []
}

extension Configuration {
    /// Compares this configuration, which a daemon runs with, with the one just read.
    ///
    /// - Parameter new: as `load` gave it, so allowed.
    public func reloading(_ new: Configuration) -> ConfigurationReloading {
        var reloading = ConfigurationReloading(configuration: self)
        for key in ConfigurationKey.all {
            guard let change = ConfigurationChange(key, from: self, to: new) else { continue }
            if key.reload == .restart {
                reloading.needRestart.append(change)
            } else {
                reloading.changed.append(change)
                key.take(new, &reloading.configuration)
            }
        }
        return reloading
    }
}
