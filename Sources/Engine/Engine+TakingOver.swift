public import Checkpoints
internal import Generations

extension Engine {
    /// Moves the state's file to another path of its folder, over what stands there. Before `start`.
    public func moveStateFile(to path: String) throws(StateError) {
        try generations.pausing { () throws(StateError) in try checkpointer.moveFile(to: path) }
    }
}
