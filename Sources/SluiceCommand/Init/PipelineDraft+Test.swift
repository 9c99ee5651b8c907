extension PipelineDraft {
    /// A test that holds for the pipeline as it is written: one endpoint of an answer, and its rows.
    static let callTest: Lines =
        [
            "- name: an endpoint with its lists",
            "  user: user-1",
        ] + document(application: nil) + [
            "  rows:",
            "    users:",
            "      - {user_id: user-1, status: found, endpoint_count: 1}",
        ] + rows

    /// The same from an archive, in which nobody was asked for.
    ///
    /// - Parameter application: what the record says, where the pipeline names none.
    static func archiveTest(application: String?) -> Lines {
        ["- name: an endpoint with its lists"] + document(application: application) + ["  rows:"] + rows
    }

    private static func document(application: String?) -> Lines {
        ["  documents:", "    - Id: endpoint-1"] + (application.map { ["      ApplicationId: \($0)"] } ?? []) + [
            "      ChannelType: EMAIL",
            "      Address: somebody@example.com",
            "      EndpointStatus: ACTIVE",
            "      EffectiveDate: \"2026-01-02T03:04:05.678Z\"",
            "      Attributes: {interests: [music, books]}",
            "      User: {UserId: user-1, UserAttributes: {plan: [basic]}}",
        ]
    }

    private static let rows: Lines = [
        "    endpoints:   # of each row the columns that matter",
        "      - {endpoint_id: endpoint-1, user_id: user-1, channel_type: EMAIL, address: somebody@example.com}",
        "    endpoint_attributes:",
        "      - {name: interests, position: 0, value: music}",
        "      - {name: interests, position: 1, value: books}",
        "    endpoint_user_attributes:",
        "      - {user_id: user-1, name: plan, position: 0, value: basic}",
    ]
}
