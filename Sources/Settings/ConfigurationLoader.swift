import Access
import Events
import Foundation
import Yams

extension Configuration {
    /// Reads file, environment and flags, each over the one before.
    ///
    /// - Parameters:
    ///   - file: path of a YAML file; `nil` for none.
    ///   - environment: of the process; only names with `FRESHET_` matter.
    ///   - settings: arguments of `--set`, `key=value`.
    /// - Returns: a configuration of which every value is allowed, by itself and beside the others.
    /// - Throws: `ConfigurationError` with everything that is wrong.
    ///
    /// ```swift
    /// let configuration = try Configuration.load(
    ///     file: "/etc/freshet.yaml", environment: ProcessInfo.processInfo.environment,
    ///     settings: ["engine.factors=32", "events.signals.click=0.5"])
    /// ```
    public static func load(
        file: String?, environment: [String: String], settings: [String]
    ) throws(ConfigurationError) -> Configuration {
        var loader = ConfigurationLoader()
        if let file { loader.read(file: file) }
        loader.read(environment: environment)
        loader.read(flags: settings)
        loader.checkTogether()
        guard loader.problems.isEmpty else { throw ConfigurationError(problems: loader.problems) }
        return loader.configuration
    }
}

/// Applies the layers in turn and gathers what is wrong.
private struct ConfigurationLoader {
    typealias Origin = ConfigurationProblem.Origin

    var configuration = Configuration()
    var problems: [ConfigurationProblem] = []
    /// Where each key was last set, for what only shows in several keys together.
    private var origins: [String: Origin] = [:]
    private let keys = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.name, $0) })

    // MARK: File

    mutating func read(file path: String) {
        let origin = Origin.file(path: path, line: nil)
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let system = String(cString: strerror(errno))
            // What can be read all the same is no text; of what kind that error is depends on Foundation's version.
            let why =
                FileManager.default.contents(atPath: path) == nil
                ? system : "it is not UTF-8 text, and so not YAML"
            return report(nil, "cannot read the configuration file: \(why)", origin)
        }
        do {
            guard let root = try Yams.compose(yaml: text) else { return }
            read(ConfigurationValue(root), below: "", of: path)
        } catch {
            let (why, line) = Self.words(error)
            report(nil, "not YAML: \(why)", .file(path: path, line: line))
        }
    }

    /// Without the line itself, which may hold a secret.
    private static func words(_ error: any Error) -> (why: String, line: Int?) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (problem, mark.line)
        case .reader: ("it has characters that no text has", nil)
        case .duplicatedKeysInMapping: ("a key is there twice", nil)
        default: ("cannot be read", nil)
        }
    }

    private mutating func read(_ value: ConfigurationValue, below path: String, of file: String) {
        let origin = Origin.file(path: file, line: value.line)
        if let key = keys[path] { return assign(key, nil, value, origin) }
        if let (key, entry) = mapEntry(path) { return assign(key, entry, value, origin) }
        let isSection = path.isEmpty || keys.keys.contains { $0.hasPrefix(path + ".") }
        guard isSection else { return reportUnknown(path, origin, among: names) }
        switch value.content {
        case .null: return  // a section with all its keys commented out
        case .map(let entries):
            for (name, value) in entries {
                read(value, below: path.isEmpty ? name : "\(path).\(name)", of: file)
            }
        case .text, .list:
            report(path.isEmpty ? nil : path, "found \(value.text), allowed is a section with keys", origin)
        }
    }

    // MARK: Environment

    mutating func read(environment: [String: String]) {
        let byVariable = Dictionary(uniqueKeysWithValues: keys.values.map { ($0.environmentVariable, $0) })
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) where Self.isOurs(variable) {
            let origin = Origin.environment(variable: variable)
            guard let key = byVariable[variable] else {
                let nearest = EditDistance.nearest(to: variable, among: byVariable.keys)
                report(nil, "no key has this name\(Self.suggestion(nearest))", origin)
                continue
            }
            assign(key, nil, text: text, origin)
        }
    }

    /// Kubernetes puts variables of its own beside ours for a service named freshet; tests have theirs.
    private static func isOurs(_ variable: String) -> Bool {
        let others = ["FRESHET_TEST_", "FRESHET_SERVICE_", "FRESHET_PORT"]
        return variable.hasPrefix("FRESHET_") && !others.contains { variable.hasPrefix($0) }
    }

    // MARK: Flags

    mutating func read(flags: [String]) {
        for flag in flags {
            let origin = Origin.flag(flag)
            guard let sign = flag.firstIndex(of: "=") else {
                report(nil, "allowed is key=value", origin)
                continue
            }
            let name = flag[..<sign].trimmingCharacters(in: .whitespaces)
            let text = String(flag[flag.index(after: sign)...])
            if let key = keys[name] {
                assign(key, nil, text: text, origin)
            } else if let (key, entry) = mapEntry(name) {
                assign(key, entry, text: text, origin)
            } else {
                // Its value may be a secret whose key is misspelt.
                reportUnknown(name, .flag(name), among: Set(keys.keys))
            }
        }
    }

    // MARK: Assigning

    /// `events.signals.click` is the entry `click` of the map `events.signals`.
    private func mapEntry(_ name: String) -> (key: ConfigurationKey, entry: String)? {
        keys.values.first { $0.isMap && name.hasPrefix($0.name + ".") }
            .map { ($0, String(name.dropFirst($0.name.count + 1))) }
    }

    /// Plain keys take the text as it is, so that a password needs no quotes; maps are read as YAML.
    private mutating func assign(_ key: ConfigurationKey, _ entry: String?, text: String, _ origin: Origin) {
        var value = ConfigurationValue(.text(text))
        let isModel = key.name == "models" && entry?.contains(".") == false
        if key.isMap, entry == nil || isModel {
            do {
                value =
                    try Yams.compose(yaml: text).map { ConfigurationValue($0) } ?? ConfigurationValue(.null)
            } catch {
                let found = key.isSecret ? "a value that is not shown" : text
                return report(
                    key.name, "found \(found), which is not YAML; allowed is \(key.allowed)",
                    key.isSecret ? origin.withoutValue : origin)
            }
        }
        assign(key, entry, value, origin)
    }

    private mutating func assign(
        _ key: ConfigurationKey, _ entry: String?, _ value: ConfigurationValue, _ origin: Origin
    ) {
        origins[key.name] = origin
        for refusal in key.assign(value, entry, &configuration) {
            var origin = origin
            if case .file(let path, let line) = origin {
                origin = .file(path: path, line: refusal.line ?? line)
            }
            let name = refusal.path.isEmpty ? key.name : "\(key.name).\(refusal.path)"
            guard !key.isSecret else {
                report(
                    name, "found a value that is not shown, allowed is \(key.allowed)", origin.withoutValue)
                continue
            }
            report(name, refusal.message, origin)
        }
    }

    // MARK: What only shows in several keys together

    mutating func checkTogether() {
        guard problems.isEmpty else { return }
        let events = configuration.events
        if events.ratingMin >= events.ratingMax {
            let range = "\(events.ratingMin), which is not below events.rating-max, \(events.ratingMax)"
            reportTogether("events.rating-min", "found \(range)", also: "events.rating-max")
        }
        checkFields(events.fields.all)
        checkListen()
        checkTLS()
        checkHalfLives()
        checkModels()
        checkCluster()
    }

    /// What several daemons cannot share yet.
    private mutating func checkCluster() {
        guard configuration.cluster.enabled else { return }
        func refuse(_ key: String, _ message: String) {
            reportTogether("cluster.enabled", "found true, which goes only with \(message)", also: key)
        }
        if configuration.source.kind != .kafka { refuse("source.kind", "source.kind kafka") }
        if configuration.memory.limit > 0 { refuse("memory.limit", "memory.limit 0") }
        if configuration.engine.deterministic {
            refuse("engine.deterministic", "engine.deterministic false: what others tell comes at any time")
        }
        let cluster = configuration.cluster
        if cluster.forward, cluster.user.isEmpty, !configuration.rpc.listen.isEmpty,
            !cluster.address.hasPrefix("/")
        {
            reportTogether(
                "cluster.user",
                "found nothing, and the other daemons are asked over TCP (rpc.listen), where nobody comes in without a name: "
                    + "name one of access.users-file, or say cluster.forward: false",
                also: "rpc.listen")
        }
        if cluster.user.isEmpty != cluster.passwordFile.isEmpty {
            reportTogether(
                "cluster.user", "found one of cluster.user and cluster.password-file without the other",
                also: "cluster.password-file")
        }
        if configuration.models.contains(where: { $0.learner == .als }) {
            refuse("models", "models that are not of the learner als, whose rows are solved from all users'")
        }
    }

    private mutating func checkFields(_ fields: [(field: String, name: String)]) {
        for (index, (field, name)) in fields.enumerated() {
            guard let other = fields[..<index].first(where: { $0.name == name }) else { continue }
            let message = "found \(name), which events.fields.\(other.field) has already; no two may be alike"
            reportTogether("events.fields.\(field)", message, also: "events.fields.\(other.field)")
        }
    }

    private mutating func checkListen() {
        let rpc = configuration.rpc
        guard let (host, _) = Configuration.RPC.address(rpc.listen), rpc.tls.certificate.isEmpty,
            !rpc.plainNetworks.contains(host)
        else { return }
        reportTogether(
            "rpc.listen",
            "found \(rpc.listen), which is in no network of rpc.plain-networks (\(rpc.plainNetworks.rawValue)), without TLS: "
                + "set rpc.tls.certificate and rpc.tls.key, listen on 127.0.0.1, or say rpc.plain-networks: private",
            also: "rpc.plain-networks")
    }

    private mutating func checkTLS() {
        for (section, tls) in [("rpc.tls", configuration.rpc.tls), ("http.tls", configuration.http.tls)] {
            if tls.certificate.isEmpty != tls.key.isEmpty {
                reportTogether(
                    "\(section).certificate",
                    "found one of \(section).certificate and \(section).key without the other",
                    also: "\(section).key")
            } else if tls.certificate.isEmpty, !tls.clientCA.isEmpty {
                reportTogether(
                    "\(section).client-ca",
                    "found \(tls.clientCA), and no \(section).certificate, without which nobody is asked"
                )
            }
        }
    }

    private mutating func checkHalfLives() {
        let (slow, fast) = (configuration.popularity.halfLifeEvents, configuration.trending.halfLifeEvents)
        guard slow > 0, fast >= slow else { return }
        let found = ConfigurationText.number(fast)
        reportTogether(
            "trending.half-life-events",
            "found \(found), allowed is a number below popularity.half-life-events, "
                + ConfigurationText.number(slow),
            also: "popularity.half-life-events")
    }

    private mutating func checkModels() {
        let names = configuration.models.map(\.name)
        guard !names.isEmpty else {
            return reportTogether("models", "found no model, allowed is one or more")
        }
        if !names.contains(configuration.defaultModel), configuration.defaultModel != "best" {
            let message =
                "found \(configuration.defaultModel), allowed is \(names.joined(separator: ", ")) or best"
            reportTogether("default-model", message, also: "models")
        }
        for model in configuration.models {
            // One that the defaults brought along is no mistake of whoever changes the learner.
            let misplaced = ModelField.all.first {
                $0.text(model) != nil && !$0.learners.contains(model.learner) && $0.name != "positive"
            }
            guard let misplaced else { continue }
            let refusal = ConfigurationKey.inapplicable(misplaced, to: model)
            reportTogether("models.\(refusal.path)", refusal.message, also: "models")
        }
    }

    // MARK: Reporting

    private mutating func report(_ key: String?, _ message: String, _ origin: Origin) {
        problems.append(ConfigurationProblem(key: key, message: message, origin: origin))
    }

    private mutating func reportTogether(_ key: String, _ message: String, also other: String? = nil) {
        report(key, message, origins[key] ?? other.flatMap { origins[$0] } ?? .builtIn)
    }

    /// Of keys, and of the sections in which they stand in a file.
    private var names: Set<String> {
        Set(
            keys.keys.flatMap { key in
                let parts = key.split(separator: ".")
                return parts.indices.map { parts[...$0].joined(separator: ".") }
            })
    }

    /// - Parameter known: what it may have been meant to be.
    private mutating func reportUnknown(_ name: String, _ origin: Origin, among known: Set<String>) {
        let nearest = EditDistance.nearest(to: name, among: known)
        report(name, "unknown key\(Self.suggestion(nearest))", origin)
    }

    private static func suggestion(_ nearest: String?) -> String {
        nearest.map { "; did you mean \($0)?" } ?? ""
    }
}
