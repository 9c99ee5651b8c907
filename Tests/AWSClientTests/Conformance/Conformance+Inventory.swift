import Testing

/// What the folder holds: nothing less, and nothing that no test runs.
extension Conformance {
    @Test("Every file is there, and known", arguments: ["", "credentials", "endpoints"])
    func inventory(folder: String) throws {
        let known = try #require(Self.inventory[folder])
        let names = try ConformanceFolder.names(in: folder).filter { $0 != "README.md" && !$0.hasPrefix("LICENSE") }
        let place = folder.isEmpty ? "the folder" : folder
        for name in names where !known.contains(name) {
            Issue.record("\(place) holds '\(name)', vectors of a kind that no test runs")
        }
        for name in known where !names.contains(name) { Issue.record("\(place) lacks '\(name)'") }
    }

    private static let inventory: [String: [String]] = [
        "": ["credentials", "endpoints", "pinpoint-sigv4.json", "retry-vectors.json", "sigv4"],
        "credentials": [
            "assume-role-tests.json", "default-credential-provider-chain", "file-location-tests.json",
            "profile-parser-tests.json", "profile-provider",
        ],
        "endpoints": [
            "configured-endpoint-urls-profile-tests.json", "partitions.json", "pinpoint-endpoint-tests-1.json",
            "sts-endpoint-tests-1.json",
        ],
    ]
}
