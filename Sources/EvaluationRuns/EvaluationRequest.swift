public import EventLog
public import Events
package import FeatureMaps
public import Learners
public import Settings
public import State

/// What `freshet evaluate` was asked for: which events, which protocol, which algorithms.
public struct EvaluationRequest: Sendable {
    /// After how long a signal's weight counts half, in `prequential`.
    public var signalHalfLife = HalfLife.never
    /// How what is tested is kept from what is learned; by the names that they have on the command line.
    public enum ProtocolName: String, Sendable, CaseIterable {
        case holdout, prequential, resubstitution, similarity
        case leaveOneOut = "leave-one-out"
    }

    /// The log of a configuration, up to a moment.
    public struct Log: Sendable {
        /// Says where the log is.
        public var configuration: Configuration
        /// `nil` for all that the log holds.
        public var moment: LogMoment?

        public init(_ configuration: Configuration, until moment: LogMoment?) {
            (self.configuration, self.moment) = (configuration, moment)
        }
    }

    /// Which events `holdout` holds out.
    public enum HeldOut: Sendable {
        case random
        /// The last ones by time.
        case byTime
        /// The last ones of each user.
        case byUser
    }

    /// Which side `holdout` holds out whole, so that nothing but descriptions is known of it.
    public enum HeldOutWhole: String, Sendable, CaseIterable {
        case items, users, both
    }

    /// Paths of files of events; none where the log is read.
    public var input: [String]
    /// The log to read instead.
    public var log: Log?
    /// `nil` guesses by name and first line.
    public var format: EventFile.Format?
    /// Names of columns, limits, signals and their weights.
    public var events = EventOptions()
    /// How what is tested is kept from what is learned.
    public var protocolName = ProtocolName.holdout
    /// In the order of the report; the first is what the others are compared with, beside the best baseline.
    public var algorithms: [AlgorithmArgument] = []
    /// Models that `prequential` puts to the test where no algorithm is named.
    public var models = ModelSettings.defaults
    /// What counts as liked; signals always do.
    public var positive = ModelSettings.Positive.ratingAtLeast(4)
    /// Ratings that it does not take are left out.
    public var filter = ModelSettings.Positive.any
    /// Ratings that an item has to have, in `similarity`.
    public var ratingsMin = 200
    /// Part of the events to hold out, above 0 and below 1; or of the items or users.
    public var testFraction = 0.1
    /// Rows to hold out whole, in `holdout`, rather than events.
    public var heldOutWhole: HeldOutWhole?
    /// Where both are held out whole, the part of the users.
    public var userFraction = 0.2
    /// Splits that are measured together where rows are held out whole, each by a seed of its own.
    public var splits = 5
    /// Which events that part is made of, in `holdout`.
    public var heldOut = HeldOut.random
    /// Whether the part is held out of the training data, to choose settings by.
    public var isValidation = false
    /// A number of items to draw, or the path of a file that gives them, to rank against as well.
    public var negatives: String?
    /// Ids of the users in that file: `+n` to add, or the path of a map.
    public var negativesUsers: String?
    /// The same of the items.
    public var negativesItems: String?
    /// The N of the metrics; 10 where there are none.
    public var depths: [Int] = []
    /// Of splits, draws, training and resampling.
    public var seed = 1
    /// Resamples of users for the intervals; 0 for none.
    public var resamples = 1_000
    /// K where an algorithm does not say it.
    public var factors = 64
    /// Moving window of the curves of `prequential`, in events; a tenth of all where absent.
    public var window: Int?
    /// Adds a popularity that decays: half after so many positive events. 0 adds none.
    public var popularityHalfLife = 0.0
    /// Whether tables describe all before the first event, in `prequential`; else each item and user as it comes up.
    public var describesFirst = false
    /// What features say of rows, in `prequential`.
    package var priors = ItemPriors.Options()
    /// Whether what was taken may be recommended again, in `prequential` and `leaveOneOut`.
    public var seen = SeenRule.exclude
    /// One liked event in so many is ranked, in `prequential`; all are learned.
    public var sample = 1
    /// Whether ratings of what is not liked are ranked too, in `prequential`.
    public var ranksDisliked = false
    /// Path of what `freshet simulate --oracle` wrote of the events, to stand beside the algorithms of `prequential`.
    public var oracle: String?
    /// Threads; one per core where absent. `prequential` learns on one.
    public var threads: Int?
    /// Whether figures of the validation part are wanted after each epoch.
    public var wantsCurves = false

    /// A random tenth of the events held out, and the baselines alone.
    public init(input: [String]) { self.input = input }
}
