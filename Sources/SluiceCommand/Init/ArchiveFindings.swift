internal import FilePlugins
internal import Pinpoint
internal import PipelineCore

/// What an archive holds, and what its records mean.
struct ArchiveFindings {
    let survey: ArchiveSurvey
    let endpoints: Int
    /// Endpoints that say no application.
    let endpointsWithoutApplication: Int
    /// Sorted.
    let applications: [String]
    /// Documents that hold no endpoint that could be stored.
    let strangers: Int

    static func look(_ path: PathOption) async throws -> ArchiveFindings {
        var count = Count()
        let survey = try await ArchiveSurvey(path) { count.take($0) }
        return ArchiveFindings(
            survey: survey, endpoints: count.endpoints, endpointsWithoutApplication: count.withoutApplication,
            applications: count.applications.sorted(), strangers: count.strangers)
    }

    /// Whether most of what was looked at is endpoints: a list of users may be JSON too.
    var isArchive: Bool { endpoints > 0 && strangers <= endpoints }

    private struct Count {
        var endpoints = 0
        var withoutApplication = 0
        var applications: Set<String> = []
        var strangers = 0
        let decoder = ArchiveLineDecoder(applicationID: nil)

        /// An endpoint has an `Id` and one of these; a list of users may have an `Id` alone.
        private static let members: Set<String> = [
            "Address", "ApplicationId", "Attributes", "ChannelType", "CohortId", "CreationDate", "Demographic",
            "EffectiveDate", "EndpointStatus", "Location", "Metrics", "OptOut", "RequestId", "User",
        ]

        mutating func take(_ document: [UInt8]) {
            guard case .found = decoder.decode(document), let tape = try? JSONTape(decoding: document) else {
                strangers += 1
                return
            }
            let root = tape.root
            let list = (root["Item"] ?? root["EndpointsResponse"]?["Item"]).map(\.elements)
            let found = (root["Id"] == nil ? list : nil) ?? [root]
            for endpoint in found {
                guard endpoint["Id"] != nil, endpoint.members.contains(where: { Self.members.contains($0.name) }) else {
                    strangers += 1
                    continue
                }
                endpoints += 1
                if let application = endpoint["ApplicationId"]?.text {
                    applications.insert(application)
                } else {
                    withoutApplication += 1
                }
            }
        }
    }
}
