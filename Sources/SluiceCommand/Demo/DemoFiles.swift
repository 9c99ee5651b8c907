internal import EndpointServer
internal import Foundation

/// What the demo leaves behind in its directory.
struct DemoFiles {
    let directory: String
    var users: String { directory + "/users.txt" }
    var pipeline: String { directory + "/demo.yaml" }
    var database: String { directory + "/endpoints.sqlite" }
    var lines: String { directory + "/endpoints" }
    /// Whether the pipeline also writes to PostgreSQL.
    let hasServer: Bool

    init(directory: String, hasServer: Bool) {
        self.directory = directory
        self.hasServer = hasServer
    }

    /// The same pipeline elsewhere, for a run that nobody disturbs.
    var twin: DemoFiles { DemoFiles(directory: directory + "/undisturbed", hasServer: false) }
    /// What compares the databases of both.
    var comparison: String { directory + "/compare.yaml" }

    func makeDirectory() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    func writePipeline(endpoint: String) throws {
        try Self.text(endpoint: endpoint, hasServer: hasServer).write(
            toFile: pipeline, atomically: true, encoding: .utf8)
    }

    /// Writes a pipeline whose sinks are the database and its twin's.
    func writeComparison(endpoint: String) throws {
        let sinks = """
              - {type: sqlite, name: killed, path: endpoints.sqlite, mode: merge}
              - {type: sqlite, name: undisturbed, path: undisturbed/endpoints.sqlite, mode: merge}

            """
        try Self.text(endpoint: endpoint, sinks: sinks).write(toFile: comparison, atomically: true, encoding: .utf8)
    }

    /// Checks that what is in the directory under the demo's names was made by a demo. The pipeline tells: it is written
    /// before there are tables, and one that was changed since has become somebody's own, its tables with it.
    func requireReplaceable() throws {
        try SyntheticFile.ids.requireReplaceable(users)
        let manager = FileManager.default
        guard manager.fileExists(atPath: pipeline) else {
            for path in [database, lines] where manager.fileExists(atPath: path) { throw somebodyElses(path) }
            return
        }
        // What can't be read was made by who knows whom.
        guard let text = try? String(contentsOfFile: pipeline, encoding: .utf8),
            let endpoint = text.firstMatch(of: /\n  endpoint_url: (http:\/\/127\.0\.0\.1:[0-9]+)\n/)?.1,
            [true, false].contains(where: { Self.text(endpoint: String(endpoint), hasServer: $0) == text })
        else { throw somebodyElses(pipeline) }
    }

    private func somebodyElses(_ path: String) -> OutputFileError {
        OutputFileError(
            path: path, reason: "no demo has made what is there, or it was changed since (--force writes over it)")
    }

    private static func text(endpoint: String, hasServer: Bool) -> String {
        let files = """
              - {type: sqlite, path: endpoints.sqlite, mode: merge}
              - {type: ndjson, path: endpoints, mode: append}

            """
        return text(endpoint: endpoint, sinks: files + (hasServer ? serverSink : ""))
    }

    private static func text(endpoint: String, sinks: String) -> String {
        """
        # A pipeline as the demo ran it. Its server is gone: name yours in endpoint_url, or leave that line out to
        # call Amazon Pinpoint itself.
        pipeline: demo
        source:
          type: pinpoint
          application_id: demo
          region: us-east-1
          endpoint_url: \(endpoint)
          users:
            type: file
            path: users.txt
          rate_limit: {requests_per_second: 1000, burst: 200}
          concurrency: 32
        sinks:
        \(sinks)batch_size: 200

        """
    }

    private static let serverSink = """
          - {type: postgres, url: "${DATABASE_URL}", schema: sluice_demo, mode: merge}

        """

    var queries: String {
        let server = """

            $ psql "$DATABASE_URL" -c "SELECT channel_type, count(*) FROM sluice_demo.endpoints GROUP BY 1 ORDER BY 2 DESC"
            """
        return """

            The tables are in \(database). Two queries to try:

            $ sqlite3 -box \(database) \\
                "SELECT channel_type, endpoint_status, count(*) FROM endpoints GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8"
            $ sqlite3 -box \(database) \\
                "SELECT name, value, count(DISTINCT user_id) AS users FROM user_attributes GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8"

            The same rows as files are in \(directory)/endpoints/current:

            $ zcat \(directory)/endpoints/current/endpoints/*.gz | head -n 1\(hasServer ? server : "")
            """
    }
}
