internal import ClusterMembers
internal import Events
internal import Foundation
internal import Locking
internal import LookUps
internal import State

extension Engine {
    func clusterFields() -> [StatusField] {
        guard let cluster else { return [] }
        let (shared, view) = (cluster.shared.withLock { $0 }, cluster.view)
        let report = shared.report
        var fields = [
            StatusField("cluster.member", .text(cluster.name)),
            StatusField("cluster.address", .text(shared.address)),
            StatusField("cluster.members", .integer(Int64(view.members.count))),
            StatusField("cluster.partitions", .text(Self.text(shared.owned.sorted()))),
            // Of an outage: not its own any more, and answered for.
            StatusField("cluster.partitions.lent", .text(Self.text(shared.lent.sorted()))),
            StatusField("cluster.partitions.all", .integer(Int64(view.partitions))),
            StatusField("cluster.partitions.answered", .integer(Int64(view.answered))),
            // Nothing is found of their users, though something was told.
            StatusField(
                "cluster.partitions.missing",
                .text(Self.text(shared.missing.filter(\.value.isGone).keys.sorted()))),
            StatusField("cluster.told-anew", .integer(Int64(report.toldAnew))),
            StatusField("cluster.commits", .integer(Int64(report.commits))),
            StatusField("cluster.bytes-sent", .integer(Int64(report.bytesSent))),
            StatusField("cluster.bytes-received", .integer(Int64(report.bytesReceived))),
            StatusField("cluster.users-in", .integer(Int64(report.usersIn))),
            StatusField("cluster.users-out", .integer(Int64(report.usersOut))),
            StatusField("cluster.rows-held", .integer(Int64(report.held))),
            StatusField("cluster.refused", .integer(Int64(report.refused))),
            StatusField("cluster.images-told", .integer(Int64(report.imagesTold))),
            StatusField("cluster.image-bytes", .integer(Int64(shared.image?.bytes ?? 0))),
            StatusField(
                "cluster.image-age-s",
                .double(shared.image.map { Double(max(0, clock.milliseconds - $0.at)) / 1_000 } ?? 0)),
            StatusField("cluster.error", .text(shared.failure ?? "")),
        ]
        for (partition, events) in shared.events.sorted(by: { $0.key < $1.key })
        where shared.owned.contains(partition) {
            fields.append(StatusField("cluster.partition.\(partition).events", .integer(events)))
        }
        fields += standbyFields(cluster)
        for peer in view.members where !peer.isMyself { fields += self.fields(of: peer, report) }
        return fields
    }

    private func fields(of peer: MemberView, _ report: ClusterMember.Report) -> [StatusField] {
        let name = "cluster.peer.\(String(peer.member, radix: 16))"
        var fields = [
            StatusField("\(name).address", .text(peer.address)),
            StatusField("\(name).partitions", .text(Self.text(peer.partitions))),
            StatusField("\(name).age-s", .double(peer.age / 1_000)),
            StatusField("\(name).bytes-sent", .integer(Int64(peer.bytesSent))),
            StatusField("\(name).standby", .text(Self.text(peer.standby))),
        ]
        // Of items it may have told nothing yet.
        if let heard = report.peers[peer.member] {
            fields.append(StatusField("\(name).events", .integer(heard.events)))
            fields.append(
                StatusField(
                    "\(name).items-age-s", .double(heard.at.duration(to: .now).milliseconds / 1_000)))
        }
        return fields
    }

    private static func text(_ partitions: [Int32]) -> String {
        partitions.map { "\($0)" }.joined(separator: " ")
    }

    /// With each snapshot.
    func noteCluster() {
        guard let cluster else { return }
        let events = state.partitionEvents ?? [:]
        cluster.shared.withLock { $0.events = events }
    }
}
