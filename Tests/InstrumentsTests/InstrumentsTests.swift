import CoreMetrics
import Instruments
import Testing

@Suite("Instruments")
struct InstrumentsTests {
    @Test("what is counted through swift-metrics stands in Prometheus's text, exactly")
    func text() {
        let registry = MetricsRegistry()
        registry.describe("a_total", "What \\ is\ncounted.")
        Counter(label: "a_total", dimensions: [("kind", "x\"y")], factory: registry).increment(by: 3)
        Counter(label: "a_total", dimensions: [("kind", "x\"y")], factory: registry).increment()
        Counter(label: "a_total", dimensions: [("kind", "b")], factory: registry).increment()
        Meter(label: "level", dimensions: [], factory: registry).set(1.5)
        let recorder = Recorder(label: "sizes", dimensions: [], aggregate: true, factory: registry)
        for size in [1, 2, 4, 5, 1_000_000] { recorder.record(size) }
        var text = PrometheusText()
        registry.write(to: &text)
        let lines = text.text.split(separator: "\n")
        #expect(
            lines.prefix(6) == [
                "# HELP a_total What \\\\ is\\ncounted.", "# TYPE a_total counter", "a_total{kind=\"b\"} 1",
                "a_total{kind=\"x\\\"y\"} 4", "# TYPE level gauge", "level 1.5",
            ])
        for line in [
            "sizes_bucket{le=\"1\"} 1", "sizes_bucket{le=\"4\"} 3", "sizes_bucket{le=\"16\"} 4",
            "sizes_bucket{le=\"+Inf\"} 5", "sizes_sum 1000012", "sizes_count 5",
        ] { #expect(lines.contains(Substring(line)), "\(line)") }
    }

    @Test("a timer's histogram is in seconds, and its quantiles lie in the right range")
    func quantiles() throws {
        let registry = MetricsRegistry()
        let timer = Timer(label: "t_seconds", dimensions: [("c", "a")], factory: registry)
        for microseconds in 1...100 { timer.recordNanoseconds(Int64(microseconds) * 1_000) }
        let distribution = try #require(registry.distribution("t_seconds"))
        #expect(distribution.count == 100)
        #expect(abs(distribution.sum - 5_050e-6) < 1e-9)
        #expect(try #require(distribution.quantile(0.5)) == 50e-6)
        #expect(abs(try #require(distribution.quantile(0.99)) - 99e-6) < 1e-6)
        #expect((distribution - distribution).quantile(0.5) == nil)
        #expect(registry.distribution("t_seconds", dimension: "a")?.count == 100)
        #expect(registry.distribution("t_seconds", dimension: "b") == nil)
    }

    @Test("many threads count nothing twice and lose nothing")
    func threads() async {
        let registry = MetricsRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = Counter(label: "n_total", dimensions: [], factory: registry)
                    let timer = Timer(label: "n_seconds", dimensions: [], factory: registry)
                    for _ in 0..<10_000 {
                        counter.increment()
                        timer.recordNanoseconds(1_000_000_000)
                    }
                }
            }
        }
        var text = PrometheusText()
        registry.write(to: &text)
        for line in ["n_total 80000", "n_seconds_sum 80000", "n_seconds_count 80000"] {
            #expect(text.text.contains(line + "\n"))
        }
    }
}
