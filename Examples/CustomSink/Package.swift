// swift-tools-version: 6.2
import PackageDescription

// A sink of somebody else's, and an executable that is `sluice` with it. Nothing here is part of the package that it builds on.
let package = Package(
    name: "custom-sink",
    platforms: [.macOS(.v15)],
    // For tests that kill it at chosen steps; passed on, so that nothing is compiled twice.
    traits: ["Failpoints"],
    dependencies: [
        // Elsewhere: .package(url: "…/sluice", from: "0.2.0")
        .package(
            name: "sluice", path: "../..",
            traits: [.trait(name: "Failpoints", condition: .when(traits: ["Failpoints"]))])
    ],
    targets: [
        .target(
            name: "CSVFolderSink",
            dependencies: [
                .product(name: "PipelineCore", package: "sluice"),
                .product(name: "RunFolders", package: "sluice"),
            ]
        ),
        .executableTarget(
            name: "sluice-csv",
            dependencies: [
                "CSVFolderSink",
                .product(name: "PipelineCore", package: "sluice"),
                .product(name: "SluiceCommand", package: "sluice"),
            ]
        ),
        .testTarget(
            name: "CSVFolderSinkTests",
            dependencies: [
                "CSVFolderSink",
                .product(name: "PipelineCore", package: "sluice"),
                .product(name: "PipelineTesting", package: "sluice"),
                .product(name: "RunFolders", package: "sluice"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
