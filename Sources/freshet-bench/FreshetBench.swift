internal import ArgumentParser
internal import BenchmarkSupport

@main
struct FreshetBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet-bench",
        abstract: "Measures Freshet; each figure stands beside a baseline taken in the same run.",
        discussion: """
            Absolute times depend on the machine and its neighbours; the ratios hold. Build with -c release.

            EXAMPLES
              swift run -c release freshet-bench updates
              swift run -c release freshet-bench topn --items 20000
              swift run -c release freshet-bench lookups --items 20000 --no-socket
              swift run -c release freshet-bench stream ml-1m/ratings.csv.gz
              swift run -c release freshet-bench ingest --events ml-1m/ratings.csv.gz
              swift run -c release freshet-bench scaling --events ml-1m/ratings.csv.gz
              swift run -c release freshet-bench freshness --rate 50000
              swift run -c release freshet-bench quality ../shared/data
              swift run -c release freshet-bench content ../shared/data
              swift run -c release freshet-bench cluster ml-1m/ratings.csv.gz --instances 4
              swift run -c release freshet-bench kills --count 500
              swift run -c release freshet-bench soak --minutes 10
            """,
        subcommands: [
            UpdatesBenchmark.self, TopNBenchmark.self, PublishBenchmark.self, LookupsBenchmark.self,
            StreamBenchmark.self, IngestBenchmark.self, FreshnessBenchmark.self, FeedBenchmark.self,
            ScalingBenchmark.self, ProduceBenchmark.self, QualityBenchmark.self,
            ContentBenchmark.self, DescribedBenchmark.self, CheckpointBenchmark.self,
            RestoreBenchmark.self, PriorsBenchmark.self, ClusterBenchmark.self, MoveBenchmark.self,
            SimulateCommand.self, HostileBenchmark.self, IncidentsBenchmark.self, ObservingBenchmark.self,
            KillsBenchmark.self,
            SoakBenchmark.self, FuzzCommand.self, RetractBenchmark.self, MembershipBenchmark.self,
            MockBrokerCommand.self,
            EndWithParent.self,
        ])
}
