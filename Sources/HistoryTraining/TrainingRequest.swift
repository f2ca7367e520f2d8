public import EventLog
public import Events

/// What `freshet train` was asked for: which history, which models, for how long, and where the state goes.
public struct TrainingRequest: Sendable {
    /// Where the history comes from.
    public enum History: Sendable {
        /// Paths; `-` is standard input. `format` is guessed by name and first line where it is `nil`. With `sorts` the
        /// events of files are put in the order of time.
        case files([String], format: EventFile.Format?, sorts: Bool)
        /// The log of the configuration.
        case log(LogRange)
    }

    /// What is read.
    public var history: History
    /// Path of the state file to be written.
    public var output: String
    /// Whether a state that is there already may be replaced.
    public var replaces = false
    /// Whether the first line or record that is no event ends it.
    public var isStrict = false

    /// `[name=]learner[:key=value,…]`, each a model in place of the configured ones.
    public var algorithms: [String] = []
    /// Path of a configuration file; `nil` for none.
    public var config: String?
    /// `key=value` of the configuration.
    public var settings: [String] = []
    /// `model.key=value`, which hold for the epochs and not for the stream.
    public var batchSettings: [String] = []
    /// `engine.factors`, over all else; here and below `nil` leaves what the configuration says.
    public var factors: Int?
    /// `engine.seed`.
    public var seed: Int?
    /// `engine.shards` while training; `serve` is not told.
    public var shards: Int?

    /// Most epochs, or sweeps; `nil` for what suits learner and data.
    public var epochs: Int?
    /// Epochs without a better figure before a training stops; `nil` for what suits learner and data.
    public var patience: Int?
    /// Part of the interactions held back to choose the number of epochs, from 0 to 0.5.
    public var validationFraction = 0.1

    /// The configured models, for as long as suits them.
    public init(_ history: History, output: String) {
        (self.history, self.output) = (history, output)
    }
}
