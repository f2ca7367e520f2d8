internal import Plotting

/// The samples of a soak as curves over time.
package enum SoakPicture {
    package static func svg(_ samples: [SoakSample]) -> String {
        func panel(_ title: String, _ curves: [(String, (SoakSample) -> Double?)]) -> CurvePlot.Panel {
            CurvePlot.Panel(
                title: title, axis: "seconds",
                curves: curves.map { name, value in
                    CurvePlot.Curve(
                        name: name,
                        points: samples.compactMap { sample in
                            value(sample).map { CurvePlot.Curve.Point(at: sample.seconds, value: $0) }
                        })
                })
        }
        func mebibytes(_ bytes: Int64) -> Double { Double(bytes) / 1_048_576 }
        let starts = samples.last?.starts ?? 1
        return CurvePlot(
            title: "Soak: \(samples.last?.events ?? 0) events, \(starts - 1) kills",
            panels: [
                panel("resident memory, MiB", [("daemon", { mebibytes($0.residentBytes) })]),
                panel(
                    "files, MiB",
                    SoakFiles.all.map { file in (file.name, { mebibytes($0.files[keyPath: file.path]) }) }),
                panel(
                    "look-ups, ms",
                    [
                        ("p50", { $0.lookups > 0 ? $0.median / 1_000 : nil }),
                        ("p99", { $0.lookups > 0 ? $0.high / 1_000 : nil }),
                    ]),
                panel("events not learned yet", [("lag", { Double($0.lag) })]),
                panel("events learned", [("events", { Double($0.events) })]),
            ],
            note: "Killed at intervals at the beginning and at the end; left alone in between."
        ).svg
    }
}
