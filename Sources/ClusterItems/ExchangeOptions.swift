/// How what is learned in several places becomes one row.
package enum MergeRule: Equatable, Sendable {
    /// Each machine's steps are added: asynchronous descent on one row, as on a parameter server (Dean et al. 2012).
    case added
    /// Added while they are few; the more steps a row has taken since its machines last met, against this number, the nearer
    /// to their mean. A few steps of each lead on from where the others' lead; many take each machine's row to the same
    /// place, and added up they would take it that far past.
    case damped(Float)
    /// Each machine's steps count as its part of the item's events since they last met: the mean, by counts.
    case averaged
    /// Machine and common row are drawn to each other by this part of their difference (Zhang, Choromanska, LeCun 2015).
    case elastic(Float)
}

package struct ExchangeOptions: Equatable, Sendable {
    package var rule = MergeRule.damped(100)
    /// Bytes of one change, about. Counts always go; of the rows of factors those that have moved furthest, for as long as
    /// they have waited.
    package var bytesMax = Int.max
    /// A row that has moved by less in each number waits until it has moved further.
    package var leastMove: Float = 1e-4

    package init() {}
}
