import Foundation
import PipelineCore
import PostgresPlugins
import Testing

/// A schema to ask, filled by psql, and a state directory.
final class PostgresQueryTrial: Sendable {
    let schema: PostgresSchema
    let folder: String

    init() throws {
        schema = PostgresSchema(try #require(PostgresCluster.shared))
        folder = FileManager.default.temporaryDirectory.path + "/sluice-query-\(UUID().uuidString)"
        try schema.execute("CREATE SCHEMA \"\(schema.name)\"")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    static let run = InputRun(
        pipeline: "nightly", runID: "nightly-20261121T000000Z", startedAt: "2026-11-23T01:02:03.004Z")

    /// - Parameter path: the schema is on the search path.
    func reader(
        _ query: String, url: String? = nil, path: Bool = false, state: String = "state",
        firstContact: Duration = .zero
    ) throws -> PostgresUserReader {
        let url = (url ?? schema.url) + (path ? "?options=-csearch_path%3D\(schema.name)" : "")
        return try PostgresUserReader(
            url: Secret(url), query: query, stateDirectory: "\(folder)/\(state)", firstContact: firstContact)
    }

    /// Makes a table of one column, `id`.
    func fill(_ table: String, _ ids: [String], type: String = "text") throws {
        let values = ids.map { "(E'\($0.replacing("\\", with: "\\\\").replacing("'", with: "''"))')" }
        try schema.execute("CREATE TABLE \(table) (id \(type))")
        for start in stride(from: 0, to: values.count, by: 500) {
            let some = values[start..<min(start + 500, values.count)].joined(separator: ",\n")
            try schema.execute("INSERT INTO \(table) VALUES \(some)")
        }
    }

    /// Prepares the run and reads all.
    func records(_ reader: any UserReader) async throws -> [InputRecord] {
        try await reader.prepare(for: Self.run)
        let cursor = try await reader.open(at: .start)
        var all: [InputRecord] = []
        do {
            while true {
                let next = try await cursor.next(limit: 1000)
                if next.isEmpty { break }
                all += next
            }
        } catch {
            await cursor.close()
            throw error
        }
        await cursor.close()
        return all
    }

    /// What preparing or reading throws; nil where all is read.
    func refusal(_ reader: any UserReader) async -> PipelineError? {
        do {
            _ = try await records(reader)
            return nil
        } catch {
            return error as? PipelineError
        }
    }

    /// What is kept aside, and what was begun.
    func spools(_ state: String = "state") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(state)")) ?? [])
            .filter { $0.contains(".spool") }.sorted()
    }

    /// IDs and empty texts as they are, nil for NULL.
    func texts(_ records: [InputRecord]) -> [String?] {
        records.map { record in
            if case .fault(let fault) = record.content, fault.code == .missingField { return nil }
            return String(decoding: record.hashedBytes, as: UTF8.self)
        }
    }
}
