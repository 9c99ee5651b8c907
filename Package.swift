// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "sluice",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        .library(name: "PipelineCore", targets: ["PipelineCore"]),
        .library(name: "PipelineEngine", targets: ["PipelineEngine"]),
        .library(name: "PipelineConfig", targets: ["PipelineConfig"]),
        .library(name: "AWSClient", targets: ["AWSClient"]),
        .library(name: "Pinpoint", targets: ["Pinpoint"]),
        .library(name: "Flattening", targets: ["Flattening"]),
        .library(name: "LineInput", targets: ["LineInput"]),
        .library(name: "LocalFiles", targets: ["LocalFiles"]),
        .library(name: "StoreFormat", targets: ["StoreFormat"]),
        .library(name: "RunFolders", targets: ["RunFolders"]),
        .library(name: "SQLStore", targets: ["SQLStore"]),
        .library(name: "FilePlugins", targets: ["FilePlugins"]),
        .library(name: "SQLitePlugins", targets: ["SQLitePlugins"]),
        .library(name: "PostgresPlugins", targets: ["PostgresPlugins"]),
        .library(name: "SluiceCommand", targets: ["SluiceCommand"]),
        .library(name: "PipelineTesting", targets: ["PipelineTesting"]),
    ],
    traits: [
        .trait(
            name: "Failpoints",
            description: "Compiles in the fault injection that the tests use. Never enabled in what users get."
        )
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.27.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.26.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.10.0"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        // The C libraries: a module map and thin shims for macros and variadics.
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        // Core knows nobody.
        .target(name: "PipelineCore"),

        // The version of everything that is kept, and the steps from one to the next.
        .target(name: "StoreFormat", dependencies: ["PipelineCore"]),

        // Plugins and their parts know core.
        .target(name: "AWSSigning", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "RateLimiting"),
        .target(
            name: "AWSClient",
            dependencies: [
                "AWSSigning", "RateLimiting", "CZlib",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),
        .target(
            name: "Pinpoint",
            dependencies: ["PipelineCore", "AWSClient", .product(name: "Logging", package: "swift-log")]
        ),
        .target(
            name: "Flattening", dependencies: ["PipelineCore", .product(name: "Crypto", package: "swift-crypto")]
        ),
        .target(name: "LocalFiles", dependencies: ["PipelineCore", "StoreFormat", "CZlib"]),
        // Bytes to lines, rows and documents.
        .target(name: "LineInput", dependencies: ["PipelineCore", "CZlib", "CZstd"]),
        .target(
            name: "RunFolders",
            dependencies: [
                "PipelineCore", "StoreFormat", "LocalFiles", .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        .target(name: "SQLStore", dependencies: ["PipelineCore", "StoreFormat"]),
        .target(
            name: "FilePlugins",
            dependencies: [
                "PipelineCore", "LocalFiles", "LineInput", "RunFolders", "CZlib", "CZstd",
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        .target(
            name: "SQLitePlugins", dependencies: ["PipelineCore", "LocalFiles", "SQLStore", "StoreFormat", "CSQLite"]),
        .target(name: "PostgresPlugins", dependencies: ["PipelineCore", "LocalFiles", "SQLStore", "CPostgres"]),

        // What other programs are told of the tables.
        .target(name: "TableDialects", dependencies: ["PipelineCore"]),

        // Configuration and engine know core.
        .target(name: "PipelineConfig", dependencies: ["PipelineCore", .product(name: "Yams", package: "Yams")]),
        .target(
            name: "PipelineEngine",
            dependencies: [
                "PipelineCore", "StoreFormat", "Flattening",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "EndpointServer",
            dependencies: [
                "AWSSigning", "RateLimiting", "CZlib",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]
        ),

        // The command knows all.
        .target(
            name: "SluiceCommand",
            dependencies: [
                "PipelineCore", "PipelineConfig", "PipelineEngine", "Pinpoint", "AWSClient", "Flattening", "LocalFiles",
                "FilePlugins", "SQLitePlugins", "PostgresPlugins", "SQLStore", "RunFolders", "TableDialects",
                "EndpointServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(name: "sluice", dependencies: ["SluiceCommand"]),

        // Says what the decoder and the flattening make of documents, for the benches and the oracles in Python.
        .executableTarget(
            name: "json-check", dependencies: ["PipelineCore", "Flattening"], path: "Benchmarks/decode"),

        // What every plugin of a kind must pass, for this package's plugins and for other people's.
        .target(name: "PipelineTesting", dependencies: ["PipelineCore"]),

        .testTarget(name: "StoreFormatTests", dependencies: ["PipelineCore", "StoreFormat"]),
        .testTarget(name: "PipelineCoreTests", dependencies: ["PipelineCore"]),
        .testTarget(name: "RateLimitingTests", dependencies: ["RateLimiting"]),
        .testTarget(
            name: "AWSClientTests",
            dependencies: [
                "AWSClient", "AWSSigning", "RateLimiting", "Pinpoint", "PipelineCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "FlatteningTests", dependencies: ["PipelineCore", "PipelineTesting", "Pinpoint", "Flattening"],
            exclude: ["Oracle", "Crashes"]
        ),
        .testTarget(name: "LineInputTests", dependencies: ["PipelineCore", "LineInput"]),
        .testTarget(
            name: "FilePluginsTests",
            dependencies: ["PipelineCore", "PipelineTesting", "LocalFiles", "RunFolders", "FilePlugins", "CZlib"]
        ),
        // The example of a sink from outside: the same sources, so that these tests have a format of their own.
        .target(
            name: "CSVFolderSink", dependencies: ["PipelineCore", "RunFolders"],
            path: "Examples/CustomSink/Sources/CSVFolderSink"
        ),
        .testTarget(
            name: "RunFoldersTests",
            dependencies: ["PipelineCore", "PipelineTesting", "LocalFiles", "RunFolders", "CSVFolderSink"],
            path: "Tests/RunFoldersTests"
        ),
        .testTarget(
            name: "SQLStoreTests", dependencies: ["PipelineCore", "PipelineTesting", "SQLStore", "StoreFormat"]),
        .testTarget(
            name: "SQLitePluginsTests",
            dependencies: ["PipelineCore", "PipelineTesting", "SQLitePlugins", "CSQLite"]
        ),
        .testTarget(
            name: "PostgresPluginsTests",
            dependencies: ["PipelineCore", "PipelineTesting", "PostgresPlugins", "CPostgres"]
        ),
        .testTarget(name: "PipelineConfigTests", dependencies: ["PipelineCore", "PipelineConfig", "PipelineEngine"]),
        .testTarget(
            name: "PipelineEngineTests",
            dependencies: [
                "PipelineCore", "PipelineEngine", "PipelineTesting", "Flattening",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(name: "EndpointServerTests", dependencies: ["EndpointServer"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            // `any P` shows what costs a box and a dynamic dispatch.
            .enableUpcomingFeature("ExistentialAny"),
            // A member is visible only where its module is imported: the arrows between folders stay honest.
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            // An async function stays on its caller's executor unless it says otherwise.
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .treatAllWarnings(as: .error),
            .define("FAILPOINTS", .when(traits: ["Failpoints"])),
        ]
}
