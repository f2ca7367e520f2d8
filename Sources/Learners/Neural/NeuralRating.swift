public import Factors

/// A neural network over the rows of a user and an item, for explicit ratings, alone or beside their dot product.
///
/// h = ReLU(W [p_u; q_i] + b), with a second layer h = ReLU(W₂ h + b₂), ŷ = b_u + b_i + w·h: what neural collaborative filtering does with ratings (He et al.,
/// "Neural Collaborative Filtering", 2017). With λ > 0 the same rows learn biased matrix factorization too, by
/// L = e_dot² + λ e_net², and the prediction is what is nearest to both by that loss, (ŷ_dot + λ ŷ_net) / (1 + λ).
///
/// Rows learn by single steps, as those of `BiasedSGD` do. The network's ascents are summed (`NetworkSums`) and taken
/// together, by one step of Adam for a block of events.
public struct NeuralRating: Sendable {
    public struct Options: Sendable, Equatable {
        /// Units of the hidden layer.
        public var hidden = 100
        /// Units of a second layer over these; 0 for none.
        public var secondHidden = 0
        /// The chance that a unit is left out of what is learned of an event, below 1; its rows are learned without it as well.
        public var dropout: Float = 0
        /// λ: what the network's squared error weighs beside the dot product's; 0 for the network alone.
        public var mix: Float = 0
        /// How rows learn: as those of biased matrix factorization do.
        public var rows = BiasedSGD.Options()
        /// The network's.
        public var network = Adam()
        /// Events whose ascents make one step of the network; above 0.
        public var blockEvents = 128

        public init() {}
    }

    /// Settings of a network's steps. Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015.
    public struct Adam: Sendable, Equatable {
        /// α.
        public var learningRate: Float = 0.001
        /// L2, of weights and outputs.
        public var regularization: Float = 1e-4
        /// β₁ and β₂.
        public var firstDecay: Float = 0.9
        public var secondDecay: Float = 0.999
        public var epsilon: Float = 1e-8

        public init() {}
    }

    public let options: Options
    public let updateGuard: UpdateGuard

    public init(options: Options, updateGuard: UpdateGuard) {
        self.options = options
        self.updateGuard = updateGuard
    }

    /// ŷ.
    public func predict(user: Row, item: Row, network: RatingNetwork, room: NetworkRoom) -> Float {
        network.look(at: user, item, room)
        return combined(
            dot: options.mix > 0 ? user.dot(item) : 0, network: network.output(room))
            + user.bias + item.bias
    }

    /// p·q and w·h as they are weighed against one another.
    @inline(__always)
    public func combined(dot: Float, network: Float) -> Float {
        let mix = options.mix
        return mix > 0 ? (dot + mix * network) / (1 + mix) : network
    }

    /// One step of the rows towards `rating`, which is about the mean. Where it is applied, what the network is to learn
    /// of it is added to `sums`.
    ///
    /// - Parameters:
    ///   - itemRatings: ratings of the item before this one, for `Options.biasShrinkage`.
    ///   - key: of the event: it says which units are left out.
    /// - Returns: ŷ before the step, by all units, and what became of the step.
    public func update(
        rating: Float, user: Row, item: Row, itemRatings: Int = 0, network: RatingNetwork,
        sums: NetworkSums, room: NetworkRoom, key: UInt64 = 0
    ) -> (predicted: Float, result: UpdateResult) {
        network.look(at: user, item, room)
        let (biases, dot) = (user.bias + item.bias, user.dot(item))
        var output = network.output(room)
        let mix = options.mix
        let predicted = combined(dot: mix > 0 ? dot : 0, network: output) + biases
        if options.dropout > 0 {
            room.drop(options.dropout, key: key)
            output = network.output(room)
        }
        defer { room.keepAll() }
        // The dot product's error and, as much as it weighs, the network's.
        let dotError = mix > 0 ? rating - (biases + dot) : 0
        let networkError = (mix > 0 ? mix : 1) * (rating - (biases + output))
        network.ascend(by: networkError, room)
        guard
            step(
                dotError: dotError, error: dotError + networkError, user, item, itemRatings: itemRatings,
                room)
        else { return (predicted, .rejected) }
        network.add(networkError, to: sums, room)
        return (predicted, .applied)
    }

    /// The rows' own part; false, and nothing is changed, where the guard refuses it.
    private func step(
        dotError: Float, error: Float, _ user: Row, _ item: Row, itemRatings: Int, _ room: NetworkRoom
    ) -> Bool {
        let rows = options.rows
        let (userFactor, itemFactor) = (
            rows.schedule.factor(step: user.step), rows.schedule.factor(step: item.step)
        )
        let rates = rows.rates(itemRatings: itemRatings)
        let (itemRate, userRate) = (rates.item * itemFactor, rates.user * userFactor)
        let (decay, userDecay) = (rows.regularization, rows.userRegularization ?? rows.regularization)
        let (newUser, newItem) = (room.rows.first, room.rows.second)
        var (userNorm, userSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        var (itemNorm, itemSquares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        for lane in user.indices {
            let (p, q) = (user[lane], item[lane])
            let ascentP = dotError * q + room.userAscent(lane) - userDecay * p
            let ascentQ = dotError * p + room.itemAscent(lane) - decay * q
            let newP = p + userRate * ascentP
            let newQ = q + itemRate * ascentQ
            userNorm = userNorm + newP * newP
            itemNorm = itemNorm + newQ * newQ
            userSquares = userSquares + ascentP * ascentP
            itemSquares = itemSquares + ascentQ * ascentQ
            newUser[lane] = newP
            newItem[lane] = newQ
        }
        let biasDecay = rows.biasRegularization
        newUser.bias = user.bias + rates.userBias * userFactor * (error - biasDecay * user.bias)
        newItem.bias = item.bias + rates.itemBias * itemFactor * (error - biasDecay * item.bias)
        guard updateGuard.allows(squaredNorm: userNorm.sum(), bias: newUser.bias),
            updateGuard.allows(squaredNorm: itemNorm.sum(), bias: newItem.bias)
        else { return false }
        user.replace(with: newUser)
        item.replace(with: newItem)
        user.advance(rows.schedule, squares: userSquares)
        item.advance(rows.schedule, squares: itemSquares)
        return true
    }

    /// One step of the user alone towards a rating of the past, which is about the mean; item and network stay.
    ///
    /// - Parameter share: of the rates.
    public func replay(
        rating: Float, user: Row, item: Row, network: RatingNetwork, room: NetworkRoom, share: Float = 1
    ) -> UpdateResult {
        network.look(at: user, item, room)
        let (biases, mix) = (user.bias + item.bias, options.mix)
        let dotError = mix > 0 ? rating - (biases + user.dot(item)) : 0
        let networkError = (mix > 0 ? mix : 1) * (rating - (biases + network.output(room)))
        network.ascend(by: networkError, room)
        let rows = options.rows
        let factor = share * rows.schedule.factor(step: user.step)
        let (rate, decay) = (
            rows.replayLearningRate * factor, rows.userRegularization ?? rows.regularization
        )
        let newUser = room.rows.first
        var norm = SIMD8<Float>.zero
        for lane in user.indices {
            let p = user[lane]
            let newP = p + rate * (dotError * item[lane] + room.userAscent(lane) - decay * p)
            norm = norm + newP * newP
            newUser[lane] = newP
        }
        newUser.bias =
            user.bias + rows.biasLearningRate * factor
            * (dotError + networkError - rows.biasRegularization * user.bias)
        guard updateGuard.allows(squaredNorm: norm.sum(), bias: newUser.bias) else { return .rejected }
        user.replace(with: newUser)
        return .applied
    }
}
