internal import CKernels
internal import Factors

// What comes of the halves of a user and an item, layer by layer, and what is to be learned of it.
extension RatingNetwork {
    /// w·h for each of `count` items, by the halves of a user and of them. A second layer takes some U · V products an item.
    ///
    /// Shape: `userHalf` has U numbers, `itemHalves` count × U; all on 64-byte boundaries but `outputs`.
    public func outputs(
        _ userHalf: UnsafePointer<Float>, _ itemHalves: UnsafePointer<Float>, count: Int,
        into results: UnsafeMutablePointer<Float>
    ) {
        guard upperUnits > 0 else {
            return network_outputs(userHalf, itemHalves, lastOutputs, units, count, results)
        }
        let (rectified, sums, nothing) = (
            NumberBlock(units), NumberBlock(upperUnits), NumberBlock(upperUnits)
        )
        for item in 0..<count {
            Self.rectify(userHalf, itemHalves + item * units, nil, units, into: rectified.numbers)
            network_half(byUnit.numbers, lastBiases, rectified.numbers, units, upperUnits, sums.numbers)
            network_outputs(sums.numbers, nothing.numbers, lastOutputs, upperUnits, 1, results + item)
        }
    }

    /// max(0, user + item), times what is kept of each.
    private static func rectify(
        _ user: UnsafePointer<Float>, _ item: UnsafePointer<Float>, _ kept: UnsafePointer<Float>?,
        _ units: Int, into results: UnsafeMutablePointer<Float>
    ) {
        for unit in 0..<units {
            let before = user[unit] + item[unit]
            // NaN becomes 0.
            let rectified: Float = before > 0 ? before : 0
            results[unit] = kept.map { rectified * $0[unit] } ?? rectified
        }
    }

    /// w·h of what was looked at, without the units that the room drops.
    func output(_ room: NetworkRoom) -> Float {
        var result: Float = 0
        let above = room.isDropping ? dropped(room) : lastOutputs
        guard upperUnits > 0 else {
            network_outputs(room.userHalf, room.itemHalf, above, units, 1, &result)
            return result
        }
        Self.rectify(
            room.userHalf, room.itemHalf, room.isDropping ? UnsafePointer(room.kept) : nil, units,
            into: room.rectified)
        network_half(byUnit.numbers, lastBiases, room.rectified, units, upperUnits, room.upperHalf)
        network_outputs(room.upperHalf, room.nothing, above, upperUnits, 1, &result)
        return result
    }

    /// w, times what is kept of each unit of the last layer.
    private func dropped(_ room: NetworkRoom) -> UnsafePointer<Float> {
        let kept = upperUnits > 0 ? room.keptAbove : room.kept
        for unit in 0..<lastUnits { room.above[unit] = lastOutputs[unit] * kept[unit] }
        return UnsafePointer(room.above)
    }

    /// By what the rows looked at are to ascend where the output is to rise by `error`; after `output`.
    func ascend(by error: Float, _ room: NetworkRoom) {
        let above = room.isDropping ? UnsafePointer(room.above) : nil
        var pass = room.pass
        guard upperUnits > 0 else {
            var network = lower(above)
            _ = network_ascent(&network, &pass, error, room.deltas, room.active)
            return
        }
        var (network, upperPass) = (upper(above), room.upperPass)
        _ = network_ascent(&network, &upperPass, error, room.deltas, room.active)
        if room.isDropping {
            for unit in 0..<units { room.unitAscent[unit] *= room.kept[unit] }
        }
        var first = lower(UnsafePointer(room.unitAscent))
        _ = network_ascent(&first, &pass, 1, room.deltas, room.active)
    }

    /// Sums what the network is to learn of it; after `ascend` by the same error.
    func add(_ error: Float, to sums: NetworkSums, _ room: NetworkRoom) {
        let above = room.isDropping ? UnsafePointer(room.above) : nil
        let kept = upperUnits > 0 ? room.keptAbove : room.kept
        let (pass, lastUnits) = (room.pass, lastUnits)
        /// Sums of w go through `scratch` where units are dropped: of those nothing is learned.
        func summed(_ network: dense_network, _ pass: network_pass, _ parts: network_sums) {
            var (network, pass, parts) = (network, pass, parts)
            let outputs = parts.outputs
            if room.isDropping {
                room.scratch.update(repeating: 0, count: lastUnits)
                parts.outputs = room.scratch
            }
            network_sum(&network, &pass, error, &parts)
            guard room.isDropping else { return }
            for unit in 0..<lastUnits { outputs[unit] += room.scratch[unit] * kept[unit] }
        }
        if upperUnits > 0 {
            summed(upper(above), room.upperPass, sums.upperParts)
            var (network, pass, parts) = (lower(UnsafePointer(room.unitAscent)), pass, sums.parts)
            // What the units count above is no weight of this layer.
            parts.outputs = room.scratch
            network_sum(&network, &pass, 1, &parts)
        } else {
            summed(lower(above), pass, sums.parts)
        }
        sums.count += 1
    }
}
