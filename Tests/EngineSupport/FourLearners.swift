package import Checkpoints
package import Engine
internal import Events
internal import Learners
internal import State
internal import StreamLearning

/// All learners side by side, each with a schedule or negatives that keep something of their own.
package func fourLearners(shards: Int = 1) -> EngineOptions {
    var options = smallOptions(shards: shards)
    var sgd = BiasedSGD.Options()
    sgd.schedule = .adaGrad
    var bpr = BPR.Options()
    bpr.learningRate = 0.1
    bpr.negatives = NegativeSampler(popularityPower: 0.5)
    bpr.schedule = .adaGrad
    var warp = WARP.Options()
    warp.schedule = .inverseTime(halfAfter: 1_000)
    let positive = PositiveRule(ratingMin: 4)
    options.state.models = [
        ModelOptions(name: "stars", learner: .sgd(sgd)),
        ModelOptions(name: "likes", learner: .bpr(bpr, positive: positive)),
        ModelOptions(name: "warped", learner: .warp(warp, positive: positive)),
        ModelOptions(name: "solved", learner: .als(.live, positive: positive)),
    ]
    options.learning.blockEvents = 64
    return options
}

package let fourIdentity = StateIdentity(
    factors: 16, models: ["stars": "sgd", "likes": "bpr", "warped": "warp", "solved": "als"], source: "test")

/// Of `smallOptions`: ratings and likes.
package let twoIdentity = StateIdentity(
    factors: 16, models: ["stars": "sgd", "likes": "bpr"], source: "test")
