import FilePlugins
import PipelineCore
import PipelineTesting
import RunFolders

extension OutputReader {
    func open(_ run: SinkRun, at path: String? = nil) async throws -> any SinkSession {
        try await sink(run.mode, at: path).open(run.context)
    }

    func whole(_ run: SinkRun) async throws { try await run.whole(sink(run.mode)) }

    func underWay(_ run: SinkRun) -> String { "\(path)/.sluice/\(run.id)" }
    func published(_ run: SinkRun) -> String { "\(path)/runs/\(run.id)" }
}
