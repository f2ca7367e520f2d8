public import Checkpoints

extension Engine {
    /// Has checkpoints go into another file, that which the state was restored from having moved there. Before `start`.
    ///
    /// - Parameter move: closes the file, and opens it where it is then.
    public func moveStateFile(_ move: (StateFile) throws -> StateFile) throws {
        try checkpointer.moveFile(move)
    }
}
