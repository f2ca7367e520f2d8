// swift-tools-version: 6.1
import PackageDescription

/// One set of rules for every target: Swift 6 language mode comes with the tools version.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The rooms that compute are optimised in debug builds too, where a vector a number at a time is fifty times slower
/// and the tests would have to do with data too small to learn from. Assertions stay.
let computing: [SwiftSetting] = [
    .unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))
]

/// The rooms that learn a stream change what classes hold a hundred times an event. Only one queue ever does, and debug
/// builds, which tests are, check at each access that no other is under way.
let learning: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

// What comes from other packages, by the name of its module.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let heaps = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let hummingbird = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// A room: a folder of `Sources`, which may import those above it.
func room(
    _ name: String, _ imports: [Target.Dependency] = [], computes: Bool = false, learns: Bool = false
) -> Target {
    .target(
        name: name, dependencies: imports,
        swiftSettings: settings + (computes ? computing : []) + (learns ? learning : []))
}

/// The tests of a room, in a folder of its name in `Tests`.
func tests(of name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: imports, swiftSettings: settings)
}

let package = Package(
    name: "freshet",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "freshet", targets: ["freshet"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries; CSimdJSON adds a C++ shim, because Swift cannot call simdjson's templates.
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        // Products of 8-bit codes, in C: see its header for why.
        .target(name: "CKernels"),

        // Calls to the scheduler that Swift cannot make.
        .target(name: "CScheduling"),

        // A call to SQLite that Swift cannot make.
        .target(name: "CSQLiteCalls", linkerSettings: [.linkedLibrary("sqlite3")]),

        // Other calls to the system that Swift cannot make.
        .target(name: "CSystemCalls"),

        // Disks in memory that fail, for simulations: a VFS of SQLite's, which is a table of C functions.
        .target(name: "CSimulatedDisk", linkerSettings: [.linkedLibrary("sqlite3")]),

        // The rooms, in the order in which they may import one another.
        room("KillPoints"),
        room("Locking", ["CScheduling"]),
        room("Factors", ["COpenBLAS", "CKernels"], computes: true),
        room("Learners", ["CKernels", "Factors"], computes: true),
        room("FeatureMaps", ["CKernels", "Factors", "Locking"], computes: true),
        room("Training", ["Factors", "Learners", "Locking"], computes: true),
        room("ContentVectors", ["Factors"], computes: true),
        room("Evaluation", ["Locking", "Factors", "Learners"], computes: true),
        room("Retrieval", ["CKernels", "Factors", heaps]),
        room("Events", ["CSimdJSON", "CZlib"]),
        room("SQLiteFiles", ["CKernels", "CSQLiteCalls", "Locking", grdb, sqlite]),
        room("EventLog", ["Locking", "Events", "SQLiteFiles"]),
        room("EmbeddedEventLog", ["Locking", "Events", "SQLiteFiles", "EventLog", grdb, logging]),
        room("KafkaEventLog", ["CRdKafka", "Locking", "Events", "EventLog", logging]),
        room("Checkpoints", ["KillPoints", "Locking", "SQLiteFiles", grdb]),
        room("Identities", ["CKernels", "Locking", "Events", heaps]),
        room("Quarantine", ["Locking", "Events"]),
        room("Histories", ["CKernels", heaps]),
        room("Counting", ["CKernels", "Factors", "Learners", "Histories"], computes: true, learns: true),
        room("LiveScores", ["Evaluation", "Events"], computes: true),
        room("Instruments", ["Locking", metrics]),
        room("Blending", ["Learners"], computes: true),
        room(
            "State",
            [
                "Locking", "Factors", "Learners", "Retrieval", "Events", "Checkpoints", "Identities",
                "CKernels", "Histories", "Counting", "Blending", "FeatureMaps", "LiveScores",
                "ContentVectors", "Quarantine", heaps,
            ], learns: true),
        room(
            "StreamLearning",
            [
                "Locking", "Factors", "FeatureMaps", "Learners", "Events", "Checkpoints", "Identities",
                "Histories", "Counting", "Blending", "LiveScores", "ContentVectors", "Quarantine", "State",
            ], learns: true),
        room(
            "ClusterItems",
            [
                "CZlib", "Locking", "Factors", "Learners", "Events", "Identities", "Counting", "Blending",
                "ContentVectors", "FeatureMaps", "State",
            ], learns: true),
        room(
            "Generations", ["KillPoints", "Locking", "Histories", "Checkpoints", "State", logging]),
        room(
            "ClusterUsers",
            [
                "Locking", "Factors", "Events", "Checkpoints", "Identities", "Histories", "Counting", "State",
                "ClusterItems",
            ]),
        room("ClusterStandby", ["Locking", "SQLiteFiles", "Checkpoints", "ClusterUsers", grdb]),
        room("ClusterMembers"),
        room(
            "LookUps",
            [
                "Identities",
                "Locking", "Factors", "FeatureMaps", "Learners", "Retrieval", "Events", "Checkpoints",
                "Histories", "Counting", "Blending", "LiveScores", "ContentVectors", "Quarantine", "State",
                heaps,
            ]),
        room(
            "Engine",
            [
                "Locking", "Factors", "Learners", "Retrieval", "Events", "SQLiteFiles", "EventLog",
                "Checkpoints", "Generations", "Identities", "KillPoints", "LiveScores", "Evaluation", "State",
                "StreamLearning", "ClusterItems", "ClusterUsers", "ClusterStandby", "ClusterMembers",
                "Quarantine", "LookUps", logging, metrics,
            ]),
        room("ClusterLookUps", ["ClusterMembers", "Events", "Quarantine", "LookUps", "Engine"]),
        room("Access", ["CCrypt", "Locking", logging]),
        room("Vitals", ["Engine"]),
        room(
            "FaultSimulation",
            [
                "CSimulatedDisk", "ContentVectors", "Locking", "Learners", "Blending", "Events", "EventLog",
                "SQLiteFiles",
                "Checkpoints", "State", "StreamLearning", "LookUps", "Engine", logging,
            ]),
        room("RESP", [nioCore]),
        room("TransportSecurity", ["Locking", "Access", "RESP", nioCore, nioPosix, nioSSL, nioTLS]),
        room(
            "Commands",
            [
                "ClusterMembers", "Events", "Quarantine", "State", "LookUps", "Engine", "Access", "RESP",
                nioCore,
            ]),
        room(
            "RPC",
            [
                "ClusterMembers", "Locking", "Events", "LookUps", "Engine", "Access", "RESP", "Commands",
                "TransportSecurity", nioCore, nioPosix,
                logging,
            ]),
        // HummingbirdCore alone: the server, without the router, whose work the table of routes does.
        .target(
            name: "HTTPServer",
            dependencies: [
                "ClusterMembers", "Locking", "Instruments", "Events", "Quarantine", "State", "LookUps",
                "Engine",
                "Access", "RESP", "Commands", "RPC", "TransportSecurity", "Vitals", hummingbird,
                metrics, httpTypes, nioCore, nioHTTPTypes, nioPosix, logging,
            ],
            resources: [
                .embedInCode("Dashboard/dashboard.html"), .embedInCode("Dashboard/dashboard.css"),
                .embedInCode("Dashboard/dashboard.js"),
            ], swiftSettings: settings),

        // What the commands do, each in a room of its own.
        room("Reporting"),
        room("Wording", ["Reporting", "RESP"]),
        room("Plotting"),
        room("Exporting", ["Reporting", "Checkpoints"]),
        room(
            "Settings",
            [
                "Generations",
                "Learners", "Training", "Events", "EventLog", "EmbeddedEventLog", "KafkaEventLog",
                "Blending", "FeatureMaps", "LiveScores", "ContentVectors", "State",
                "StreamLearning", "LookUps", "Engine", "Access", "TransportSecurity", logging, yams,
            ]),
        room("InventedWorlds", ["Events"]),
        room("ContentEvaluation", ["ContentVectors", "Factors", "FeatureMaps", "Events"], computes: true),
        room("Feeding", ["Reporting", "Locking", "Events", "EventLog", "RESP"]),
        room(
            "HistoryTraining",
            [
                "Reporting", "Settings", "Feeding", "Locking", "Factors", "Learners", "Training",
                "Events", "EventLog", "Checkpoints", "Identities", "Histories", "State", "StreamLearning",
                logging,
            ]),
        room(
            "EvaluationRuns",
            [
                "Reporting", "Plotting", "Settings", "InventedWorlds", "Feeding", "Evaluation", "Locking",
                "Factors", "FeatureMaps", "Learners", "Training", "Events", "EventLog", "State",
                "StreamLearning", "ContentEvaluation", logging,
            ]),

        room(
            "Diagnosis",
            [
                "CSystemCalls", "Factors", "Events", "SQLiteFiles", "EventLog", "EmbeddedEventLog",
                "KafkaEventLog", "Checkpoints", "Generations", "Engine", "RESP", "TransportSecurity",
                "HTTPServer", "Settings",
            ]),

        room("Watching", ["Reporting", "Engine", "RESP", "Vitals"]),

        // The programs.
        .executableTarget(
            name: "freshet",
            dependencies: [
                "Reporting", "Wording", "Settings", "InventedWorlds", "Feeding", "HistoryTraining",
                "Diagnosis", "ClusterLookUps", "ClusterMembers", "Watching", "Access", "CSystemCalls",
                "LookUps", "EmbeddedEventLog", "Plotting", "Exporting",
                "Generations", "KillPoints", "EvaluationRuns", "Evaluation", "FeatureMaps", "Training",
                "Locking", "Factors", "Events",
                "EventLog",
                "Checkpoints", "State", "Engine", "RESP", "TransportSecurity", "RPC", "Instruments",
                "HTTPServer", argumentParser,
                lifecycle,
                logging, signals,
            ],
            swiftSettings: settings),
        room("HostileClients", ["Locking", "RESP"]),
        room(
            "Fuzzing",
            [
                "Access", "Events", "Learners", "ContentVectors", "Checkpoints", "Quarantine", "State",
                "StreamLearning", "ClusterItems", "ClusterUsers", "ClusterMembers", "Identities", "Locking",
                "LookUps",
                "Engine", "RESP", "Commands", "Settings", nioCore,
            ]),
        room(
            "BenchmarkSupport",
            [
                "CRdKafka", "Locking", "Factors", "Events", "EventLog", "LookUps", "Engine", "RESP",
                histogram,
            ]),
        room(
            "KillRuns",
            [
                "BenchmarkSupport", "EmbeddedEventLog", "EventLog", "Events", "Factors", "KillPoints",
                "Locking",
                "RESP", logging,
            ]),
        room(
            "DescribedRuns",
            [
                "BenchmarkSupport", "Checkpoints", "Engine", "Events", "Factors", "FeatureMaps",
                "InventedWorlds", "LookUps",
                "RESP", "State", logging,
            ]),
        room(
            "ForgettingRuns",
            [
                "Checkpoints", "Events", "Factors", "Identities", "Learners", "Locking", "State",
                "StreamLearning",
            ]),
        room("SoakRuns", ["BenchmarkSupport", "Factors", "Locking", "Plotting", "RESP"]),
        .executableTarget(
            name: "freshet-bench",
            dependencies: [
                "KillRuns", "SoakRuns", "DescribedRuns", "ForgettingRuns", "ClusterItems", "ClusterUsers",
                "ClusterStandby",
                "LiveScores",
                "ContentVectors",
                "ContentEvaluation",
                "BenchmarkSupport",
                "HostileClients", "Fuzzing", "FeatureMaps",
                "Histories", "Identities", "CScheduling",
                "CRdKafka", "Locking", "Factors", "Learners", "Training", "Retrieval", "Events", "EventLog",
                "KafkaEventLog", "InventedWorlds", "SQLiteFiles", "Checkpoints", "State", "LookUps", "Engine",
                "StreamLearning", "FaultSimulation", "RESP", "CZlib", "Instruments", "HTTPServer",
                argumentParser,
                grdb, logging, metrics,
            ],
            swiftSettings: settings),

        // The tests, a target a room.
        tests(of: "Learners", ["Learners", "Factors"]),
        tests(of: "FeatureMaps", ["FeatureMaps", "Factors"]),
        tests(of: "Training", ["Training", "Learners", "Factors", "Events"]),
        tests(of: "Evaluation", ["Evaluation", "Factors"]),
        tests(of: "ContentVectors", ["ContentVectors", "Factors"]),
        tests(of: "DescribedRuns", ["DescribedRuns"]),
        tests(of: "ContentEvaluation", ["ContentEvaluation", "ContentVectors", "FeatureMaps", "Factors"]),
        tests(of: "Retrieval", ["Retrieval", "CKernels", "Factors"]),
        tests(of: "Events", ["Events"]),
        tests(of: "SQLiteFiles", ["SQLiteFiles", "TestSupport", grdb]),
        tests(
            of: "EventLog",
            ["EventLogSupport", "TestSupport", "EventLog", "EmbeddedEventLog", "KafkaEventLog", "Events"]),
        tests(
            of: "EmbeddedEventLog",
            ["EventLogSupport", "TestSupport", "EmbeddedEventLog", "EventLog", "Events", "SQLiteFiles", grdb]),
        tests(
            of: "KafkaEventLog",
            [
                "EventLogSupport", "EngineSupport", "TestSupport", "KafkaEventLog", "EventLog", "Events",
                "Engine", "LookUps", "Checkpoints", "CRdKafka",
            ]),
        tests(of: "Checkpoints", ["TestSupport", "SQLiteFiles", "Checkpoints", "Factors", grdb]),
        .target(
            name: "CDiskFaults", path: "Tests/CDiskFaults", linkerSettings: [.linkedLibrary("sqlite3")]),
        tests(
            of: "DiskFaults",
            [
                "CDiskFaults", "EngineSupport", "TestSupport", "Generations", "Engine", "State",
                "Checkpoints", "EmbeddedEventLog", "EventLog", "Events", "Factors", "Locking", "LookUps",
                logging,
            ]),
        tests(of: "Identities", ["Identities", "Events", "Locking"]),
        tests(
            of: "Quarantine",
            [
                "EngineSupport", "TestSupport", "Quarantine", "StreamLearning", "State", "LookUps", "Engine",
                "Checkpoints", "Events", "Factors", "Counting", "Blending", "Learners", "LiveScores",
                "Locking",
            ]),
        tests(of: "Histories", ["Histories", "Factors"]),
        tests(of: "LiveScores", ["LiveScores", "Evaluation", "Events", "Factors"]),
        tests(of: "Blending", ["Blending", "Factors", "Learners"]),
        tests(
            of: "State",
            [
                "EngineSupport", "TestSupport", "Identities", "Histories", "Counting", "State",
                "StreamLearning", "Checkpoints", "Events", "Factors",
                "Learners", "Locking", grdb,
            ]),
        tests(
            of: "Generations",
            [
                "EngineSupport", "TestSupport", "Generations", "Engine", "StreamLearning", "State",
                "Checkpoints", "EmbeddedEventLog", "EventLog", "Events", "Identities", "Locking",
                "SQLiteFiles", grdb,
            ]),
        tests(
            of: "StreamLearning",
            [
                "FeatureMaps",
                "EngineSupport", "TestSupport", "StreamLearning", "Identities", "Histories", "Counting",
                "Blending", "LiveScores", "Evaluation", "State", "Checkpoints", "Events", "Factors",
                "Learners",
                "Locking",
            ]),
        tests(
            of: "ClusterItems",
            [
                "EngineSupport", "Engine", "ClusterItems", "FeatureMaps", "Identities", "Counting", "State",
                "StreamLearning",
                "Events",
                "Factors", "Learners", "Locking",
            ]),
        tests(of: "ClusterMembers", ["ClusterMembers"]),
        tests(of: "ClusterStandby", ["TestSupport", "ClusterStandby", "ClusterUsers", "Checkpoints"]),
        tests(
            of: "ClusterUsers",
            [
                "EngineSupport", "Engine", "ClusterUsers", "ClusterItems", "Checkpoints", "Identities",
                "Histories", "Counting", "State", "Events", "Factors", "Locking",
            ]),
        tests(
            of: "LookUps",
            [
                "ContentVectors", "EngineSupport", "TestSupport", "LookUps", "Engine", "Identities",
                "Blending", "Histories",
                "State",
                "StreamLearning", "Events",
                "Factors", "Learners", "Locking", "Retrieval",
            ]),
        tests(
            of: "Engine",
            [
                "EngineSupport", "TestSupport", "Engine", "LookUps", "Histories", "Blending", "LiveScores",
                "ClusterMembers", "ClusterStandby", "ClusterUsers", "Counting", "Identities", "Learners",
                "State",
                "StreamLearning", "Checkpoints",
                "EventLog",
                "EmbeddedEventLog", "Events", "Factors", "Locking", grdb, logging,
            ]),
        tests(of: "Access", ["Access", "RPCSupport", logging]),
        tests(of: "FaultSimulation", ["FaultSimulation"]),
        tests(of: "RESP", ["RESP", nioCore]),
        tests(of: "TransportSecurity", ["TransportSecurity", "TestSupport"]),
        tests(
            of: "Commands",
            ["RPCSupport", "Commands", "Access", "RESP", "RPC", "Engine", "LookUps", "Events", "Locking"]),
        tests(
            of: "RPC",
            [
                "ClusterMembers", "Events", "LookUps",
                "RPCSupport", "TestSupport", "HostileClients", "RPC", "Commands", "Access", "RESP", "Engine",
                "Locking", "TransportSecurity", nioCore, nioPosix,
            ]),
        tests(of: "Fuzzing", ["Fuzzing"]),
        tests(of: "Instruments", ["Instruments", metrics]),
        tests(
            of: "HTTPServer",
            [
                "RPCSupport", "TestSupport", "HTTPServer", "Instruments", "Access", "Engine", "LookUps",
                "Events", "State", "ClusterMembers", "ClusterLookUps", "RESP", "RPC",
                "Locking", "TransportSecurity",
            ]),
        tests(of: "Vitals", ["Vitals", "Engine", "TestSupport"]),
        tests(of: "Reporting", ["Reporting"]),
        tests(of: "Wording", ["Wording", "RESP"]),
        tests(
            of: "Settings",
            [
                "Settings", "Engine", "State", "StreamLearning", "LookUps",
                "Learners", "EventLog",
                "Events", yams,
            ]),
        tests(of: "InventedWorlds", ["InventedWorlds", "Events"]),
        tests(of: "Feeding", ["Feeding", "Reporting", "EventLog", "Events", "Locking", "RESP"]),
        tests(
            of: "HistoryTraining",
            [
                "FeatureMaps", "EngineSupport", "TestSupport", "HistoryTraining", "Settings", "Reporting",
                "Factors",
                "LiveScores", "Learners", "Training", "Events", "Checkpoints", "Identities", "Histories",
                "State",
                "StreamLearning",
            ]),
        tests(
            of: "EvaluationRuns",
            [
                // Asked by the arguments of its command.
                "freshet",
                "EvaluationRuns", "Plotting", "Reporting", "Settings", "HistoryTraining", "InventedWorlds",
                "Evaluation", "Events",
                "Learners", "State", "StreamLearning", "Training", argumentParser,
            ]),
        tests(
            of: "Diagnosis",
            [
                "Diagnosis", "Settings", "Checkpoints", "Engine", "EmbeddedEventLog", "EventLog",
                "KafkaEventLog", "Events", "TestSupport", logging,
            ]),
        tests(of: "Plotting", ["Plotting"]),
        tests(of: "SoakRuns", ["SoakRuns"]),
        tests(of: "ForgettingRuns", ["ForgettingRuns", "Events", "Factors"]),
        tests(of: "Exporting", ["Exporting", "Checkpoints", "Factors", "TestSupport"]),
        tests(of: "Watching", ["Watching", "Engine", "RESP"]),
        tests(of: "Freshet", ["freshet", "Engine", "Settings", "RESP", "TestSupport", argumentParser]),
        // The real program as a process.
        tests(
            of: "Daemon",
            [
                "TestSupport", "freshet", "Settings", "RESP", "EventLog", "EmbeddedEventLog",
                "KafkaEventLog", "Events", grdb, logging,
            ]),

        // For tests: child processes, threads of their own, and a Kafka: librdkafka's mock cluster, or the broker named by
        // FRESHET_TEST_KAFKA.
        .target(
            name: "TestSupport", dependencies: ["CRdKafka", grdb], path: "Tests/TestSupport",
            swiftSettings: settings),
        // For tests of the logs: places where either may be opened again, and what plays the engine.
        .target(
            name: "EventLogSupport",
            dependencies: [
                "TestSupport", "EventLog", "EmbeddedEventLog", "KafkaEventLog", "Events", "Locking", grdb,
                logging,
            ], path: "Tests/EventLogSupport", swiftSettings: settings),
        // For tests of what learns: streams, options, and an engine on a log of its own.
        .target(
            name: "EngineSupport",
            dependencies: [
                "Engine", "LookUps", "StreamLearning", "State", "Checkpoints",
                "EventLog",
                "EmbeddedEventLog", "Events", "Factors", "Learners", "Locking", "TestSupport", logging,
            ], path: "Tests/EngineSupport", swiftSettings: settings),
        // For tests of commands and their server: an engine that answers as it is told, and a server of it on a socket.
        .target(
            name: "RPCSupport",
            dependencies: [
                "RPC", "Access", "RESP", "Quarantine", "Engine", "LookUps", "Events", "Locking", logging,
            ],
            path: "Tests/RPCSupport", swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)
