/// How items' tags become vectors. Validated by the configuration.
public struct ContentOptions: Sendable, Equatable {
    /// Whether vectors are learned and words can be searched for at all.
    public var isOn = true
    /// Triplets that each description comes to, the one that it gives at once included.
    public var passes = 8
    /// Of those that are owed, how many are learned at a time, and after how many events of the stream each time.
    public var refresh = 2
    public var refreshEvents = 32

    public init() {}
}
