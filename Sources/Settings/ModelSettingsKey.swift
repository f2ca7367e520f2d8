/// The key `models`: a map of maps, so it has a parser of its own.
extension ConfigurationKey {
    static func models(_ summary: String) -> Self {
        Self(
            name: "models", type: "map", unit: nil,
            allowed:
                "a map of model names (\(ModelSettings.nameAllowed)) to maps with learner (\(learnersAllowed)) and what "
                + "it has: \(fieldsAllowed)",
            summary: summary, isMap: true,
            text: { "{" + $0.models.map(\.text).joined(separator: ", ") + "}" },
            take: { $1.models = $0.models }
        ) { value, entry, configuration in
            if let entry { return assign(value, entry: entry, to: &configuration.models) }
            guard case .map(let models) = value.content else {
                return [.wanted("a map of model names to settings", found: value)]
            }
            configuration.models = []
            return models.flatMap { name, fields in
                assign(fields, entry: name, to: &configuration.models)
            }
        }
    }

    private static let learnersAllowed = ModelSettings.Learner.allCases.map(\.rawValue).joined(
        separator: ", ")
    private static let fieldsAllowed = ModelSettings.Learner.allCases.map {
        "\($0.rawValue) has \(ModelField.names(of: $0))"
    }.joined(separator: "; ")

    /// `entry` is a model's name, or `name.field` for one of its fields.
    private static func assign(
        _ value: ConfigurationValue, entry: String, to models: inout [ModelSettings]
    ) -> [ConfigurationRefusal] {
        let parts = entry.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let name = parts[0]
        guard ModelSettings.isName(name) else {
            return [
                ConfigurationRefusal(
                    path: entry,
                    message: "'\(name)' is no model's name, allowed is \(ModelSettings.nameAllowed)",
                    line: value.line)
            ]
        }
        if parts.count == 2 { return assign(field: parts[1], of: name, value, to: &models) }
        guard case .map(let fields) = value.content else {
            return [.wanted("a map with \(fieldsAllowed)", found: value, path: name)]
        }
        models.removeAll { $0.name == name }
        guard let learner = fields.first(where: { $0.key == "learner" }) else {
            return [
                ConfigurationRefusal(
                    path: name, message: "'learner' is missing, allowed is \(learnersAllowed)",
                    line: value.line)
            ]
        }
        let refusals = assign(field: "learner", of: name, learner.value, to: &models)
        guard refusals.isEmpty, let model = models.first(where: { $0.name == name }) else { return refusals }
        return fields.flatMap { field, value in
            if field == "learner" { return [ConfigurationRefusal]() }
            if let known = ModelField.named(field), !known.learners.contains(model.learner) {
                return [inapplicable(known, to: model, value)]
            }
            return assign(field: field, of: name, value, to: &models)
        }
    }

    /// - Parameter value: `nil` where it was given apart from the learner.
    static func inapplicable(
        _ field: ModelField, to model: ModelSettings, _ value: ConfigurationValue? = nil
    ) -> ConfigurationRefusal {
        let found = value?.text ?? field.text(model) ?? ""
        return ConfigurationRefusal(
            path: "\(model.name).\(field.name)",
            message: "found \(found), but learner \(model.learner.rawValue) has no '\(field.name)'; it has "
                + ModelField.names(of: model.learner),
            line: value?.line)
    }

    private static func assign(
        field: String, of name: String, _ value: ConfigurationValue, to models: inout [ModelSettings]
    ) -> [ConfigurationRefusal] {
        let index = models.firstIndex { $0.name == name } ?? models.endIndex
        var model = index == models.endIndex ? ModelSettings(name: name, learner: .sgd) : models[index]
        let path = "\(name).\(field)"
        let allowed: String
        if field == "learner" {
            allowed = learnersAllowed
            guard case .text(let text) = value.content, let learner = ModelSettings.Learner(rawValue: text)
            else { return [.wanted(allowed, found: value, path: path)] }
            model.learner = learner
        } else if let known = ModelField.named(field) {
            guard let text = plain(value), known.set(text.isEmpty ? nil : text, &model) else {
                return [.wanted(known.allowed, found: value, path: path)]
            }
        } else {
            return [
                ConfigurationRefusal(
                    path: path,
                    message: "unknown setting '\(field)' of a model, allowed is \(fieldsAllowed)",
                    line: value.line)
            ]
        }
        models.replaceSubrange(index..<min(index + 1, models.endIndex), with: [model])
        return []
    }

    /// Empty for nothing at all; `nil` for what is no plain value.
    private static func plain(_ value: ConfigurationValue) -> String? {
        switch value.content {
        case .null: ""
        case .text(let text): text
        case .map, .list: nil
        }
    }
}
