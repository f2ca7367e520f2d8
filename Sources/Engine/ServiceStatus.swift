/// What a model tells of itself in `MODELS`.
public struct ModelStatus: Sendable, Equatable {
    public var name: String
    public var learner: String
    public var isDefault: Bool
    public var fields: [StatusField]

    public init(name: String, learner: String, isDefault: Bool, fields: [StatusField]) {
        self.name = name
        self.learner = learner
        self.isDefault = isDefault
        self.fields = fields
    }
}

/// One line of `STATUS`.
public struct StatusField: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        case integer(Int64), double(Double), text(String), bool(Bool)
    }
    public var name: String
    public var value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}
