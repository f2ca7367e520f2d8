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
let computing =
    settings + [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

let package = Package(
    name: "freshet",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "freshet", targets: ["freshet"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries; CSimdJSON adds a C++ shim, because Swift cannot call simdjson's templates.
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        // Products of 8-bit codes, in C: see its header for why.
        .target(name: "CKernels"),

        // Calls to the scheduler that Swift cannot make.
        .target(name: "CScheduling"),

        // The rooms, in the order in which they may import one another.
        .target(name: "Locking", dependencies: ["CScheduling"], swiftSettings: settings),
        .target(name: "Factors", dependencies: ["COpenBLAS", "CKernels"], swiftSettings: computing),
        .target(name: "Learners", dependencies: ["Factors"], swiftSettings: computing),
        .target(
            name: "Training", dependencies: ["Factors", "Learners", "Locking"], swiftSettings: computing),
        .target(
            name: "Evaluation", dependencies: ["Locking", "Factors", "Learners"], swiftSettings: settings),
        .target(
            name: "Retrieval",
            dependencies: [
                "CKernels", "Factors", .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(name: "Events", dependencies: ["CSimdJSON", "CZlib"], swiftSettings: settings),
        .target(
            name: "EventLog",
            dependencies: [
                "Events", "Locking", "CRdKafka",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(
            name: "Checkpoints",
            dependencies: [.product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings),
        .target(
            name: "State",
            dependencies: [
                "Locking", "Factors", "Learners", "Retrieval", "Events", "Checkpoints",
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(
            name: "StreamLearning",
            dependencies: ["Locking", "Factors", "Learners", "Events", "State"],
            swiftSettings: settings),
        .target(
            name: "HistoryTraining",
            dependencies: [
                "Locking", "Factors", "Learners", "Training", "Events", "Checkpoints", "State", "StreamLearning",
            ],
            swiftSettings: settings),
        .target(
            name: "LookUps",
            dependencies: [
                "Locking", "Factors", "Learners", "Retrieval", "Events", "State",
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(
            name: "Engine",
            dependencies: [
                "Locking", "Factors", "Events", "EventLog", "Checkpoints", "State", "StreamLearning", "LookUps",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(
            name: "RPC",
            dependencies: ["Engine", "LookUps", "Events", "Locking"] + nio + [
                .product(name: "Logging", package: "swift-log")
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "freshet-bench",
            dependencies: [
                "Engine", "State", "StreamLearning", "LookUps", "EventLog", "Events", "Checkpoints", "Factors",
                "Learners", "Training", "Retrieval", "Locking", "CZlib", "RPC",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "freshet",
            dependencies: [
                "Engine", "RPC", "Evaluation", "Events", "EventLog", "Checkpoints", "Factors", "Learners",
                "Locking",
                "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),

        .testTarget(name: "LearnersTests", dependencies: ["Learners", "Factors"], swiftSettings: settings),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation"], swiftSettings: settings),
        .testTarget(
            name: "TrainingTests", dependencies: ["Training", "Learners", "Factors", "Events"],
            swiftSettings: settings),
        .testTarget(
            name: "RetrievalTests", dependencies: ["Retrieval", "CKernels", "Factors"],
            swiftSettings: settings),
        // For tests of what learns: streams, options, and an engine on a log of its own.
        .target(
            name: "EngineSupport",
            dependencies: [
                "Engine", "LookUps", "StreamLearning", "State", "Checkpoints", "EventLog", "Events", "Factors",
                "Learners", "Locking", "TestSupport", .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/EngineSupport", swiftSettings: settings),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: [
                "TestSupport", "Checkpoints", "Factors", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "StateTests",
            dependencies: [
                "EngineSupport", "TestSupport", "State", "StreamLearning", "Checkpoints", "Events", "Factors", "Locking",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "StreamLearningTests",
            dependencies: [
                "EngineSupport", "TestSupport", "StreamLearning", "State", "Checkpoints", "Events", "Factors", "Learners",
                "Locking",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "LookUpsTests",
            dependencies: [
                "EngineSupport", "TestSupport", "LookUps", "Engine", "State", "StreamLearning", "Events", "Factors", "Learners",
                "Locking", "Retrieval",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HistoryTrainingTests",
            dependencies: [
                "EngineSupport", "TestSupport", "HistoryTraining", "StreamLearning", "State", "Checkpoints", "Events", "Factors",
                "Learners", "Training",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "EngineSupport", "TestSupport", "Engine", "LookUps", "State", "Checkpoints", "EventLog", "Events", "Factors", "Locking",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(name: "EventsTests", dependencies: ["Events"], swiftSettings: settings),
        // For tests: child processes, threads of their own, and a Kafka: librdkafka's mock cluster, or the broker named by
        // FRESHET_TEST_KAFKA.
        .target(
            name: "TestSupport", dependencies: ["CRdKafka"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(
            name: "EventLogTests",
            dependencies: [
                "EventLog", "Events", "Locking", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ClientTests",
            dependencies: [
                "freshet", "RPC", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RPCTests",
            dependencies: [
                "RPC", "Engine", "LookUps", "State", "EventLog", "Events", "Locking", "TestSupport",
            ] + nio + [.product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: [
                "freshet", "Engine", "Learners", "EventLog", "Events",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EvaluateTests",
            dependencies: [
                "freshet", "Evaluation", "Events", "Learners", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FeedTests", dependencies: ["freshet", "EventLog", "Events", "Locking", "RPC"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "TrainTests", dependencies: ["freshet", "Factors", "Training"], swiftSettings: settings),
        // The real program as a process.
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "freshet", "RPC", "EventLog", "Events", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)
