/// The key `models`: a map of maps, so it has a parser of its own.
extension ConfigurationKey {
    static func models(_ summary: String) -> Self {
        Self(
            name: "models", type: "map", unit: nil,
            allowed: "a map of model names (\(ModelSettings.nameAllowed)) to {\(fieldsAllowed)}",
            summary: summary,
            defaultText: "{" + ModelSettings.defaults.map(\.text).joined(separator: ", ") + "}", isMap: true
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

    private static let fieldsAllowed =
        "learner, learning-rate, bias-learning-rate, regularization, bias-regularization, samples, positive"

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
        guard fields.contains(where: { $0.key == "learner" }) else {
            let choices = ModelSettings.Learner.allCases.map(\.rawValue).joined(separator: " or ")
            return [
                ConfigurationRefusal(
                    path: name, message: "'learner' is missing, allowed is \(choices)", line: value.line)
            ]
        }
        return fields.flatMap { field, value in assign(field: field, of: name, value, to: &models) }
    }

    private static func assign(
        field: String, of name: String, _ value: ConfigurationValue, to models: inout [ModelSettings]
    ) -> [ConfigurationRefusal] {
        let index = models.firstIndex { $0.name == name } ?? models.endIndex
        var model = index == models.endIndex ? ModelSettings(name: name, learner: .sgd) : models[index]
        if let allowed = set(field, value, &model) {
            let path = "\(name).\(field)"
            return [
                allowed.isEmpty ? unknown(field, path, value) : .wanted(allowed, found: value, path: path)
            ]
        }
        models.replaceSubrange(index..<min(index + 1, models.endIndex), with: [model])
        return []
    }

    private static func unknown(
        _ field: String, _ path: String, _ value: ConfigurationValue
    ) -> ConfigurationRefusal {
        let message = "unknown setting '\(field)' of a model, allowed is \(fieldsAllowed)"
        return ConfigurationRefusal(path: path, message: message, line: value.line)
    }

    /// What would have been allowed, where the value is not; empty for an unknown field; `nil` when it is
    /// set.
    private static func set(
        _ field: String, _ value: ConfigurationValue, _ model: inout ModelSettings
    ) -> String? {
        switch field {
        case "learner":
            guard case .text(let text) = value.content, let learner = ModelSettings.Learner(rawValue: text)
            else {
                return ModelSettings.Learner.allCases.map(\.rawValue).joined(separator: " or ")
            }
            model.learner = learner
            return nil
        case "learning-rate":
            return set(value, &model.learningRate, "a number above 0, to 1") {
                Double($0).flatMap { $0 > 0 && $0 <= 1 ? $0 : nil }
            }
        case "bias-learning-rate":
            return set(value, &model.biasLearningRate, "a number above 0, to 1") {
                Double($0).flatMap { $0 > 0 && $0 <= 1 ? $0 : nil }
            }
        case "regularization":
            return set(value, &model.regularization, "a number from 0 to 10", parse: penalty)
        case "bias-regularization":
            return set(value, &model.biasRegularization, "a number from 0 to 10", parse: penalty)
        case "samples":
            return set(value, &model.samples, "an integer from 1 to 100") {
                Int($0).flatMap { (1...100).contains($0) ? $0 : nil }
            }
        case "positive":
            return set(value, &model.positive, ModelSettings.Positive.allowed) { ModelSettings.Positive($0) }
        default: return ""
        }
    }

    private static func penalty(_ text: String) -> Double? {
        Double(text).flatMap { (0...10).contains($0) ? $0 : nil }
    }

    /// Nothing at all gives the field back to the learner's default.
    private static func set<Value>(
        _ value: ConfigurationValue, _ target: inout Value?, _ allowed: String, parse: (String) -> Value?
    ) -> String? {
        switch value.content {
        case .null: target = nil
        case .text(let text):
            guard let parsed = parse(text) else { return allowed }
            target = parsed
        case .map, .list: return allowed
        }
        return nil
    }
}
