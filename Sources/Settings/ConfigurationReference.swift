/// The keys as a manual, from the same table that checks them.
public enum ConfigurationReference {
    /// One paragraph a key: name, type, unit, default, allowed values, environment variable and meaning.
    public static func text() -> String {
        let head = """
            Keys stand in a YAML file (--config), in the environment and on the command line (--set key=value);
            each of these overrules the one before. On SIGHUP the daemon reads them again: keys with "reload  yes" change
            while it runs, the others with its next start.


            """
        return head + ConfigurationKey.all.map(paragraph).joined(separator: "\n")
    }

    private static func paragraph(_ key: ConfigurationKey) -> String {
        let unit = key.unit.map { ", \($0)" } ?? ""
        return """
            \(key.name)  (\(key.type)\(unit))
                \(key.summary)
                default  \(key.defaultText)
                allowed  \(key.allowed)
                env      \(key.environmentVariable)
                reload   \(key.reload.rawValue)

            """
    }
}
