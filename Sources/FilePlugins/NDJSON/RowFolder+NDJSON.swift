internal import LineInput
internal import LocalFiles
internal import PipelineCore
public import RunFolders

extension RowFolder {
    /// A folder of NDJSON, plain or compressed.
    ///
    /// - Parameter path: absolute.
    /// - Throws: `PipelineError`: `.noInput` where there is no folder; what is wrong with its manifest.
    public init(ndjson path: String) throws { try self.init(path, JSONLineFiles(.none), parts: Self.parts) }

    private static func parts(_ folder: String) throws -> [String] {
        do throws(FileStatus.Failure) { return FileStatus.exists(folder) ? try files(in: folder) : [] } catch {
            throw PipelineError(
                .noInput, "\(folder) can't be read: \(SystemFailure.text(error.number))",
                hint: "Check that the user who runs this may read it, and its disk.")
        }
    }

    /// The files in a folder and its subfolders, in byte order, as engines leave them: with marks and checksums beside them.
    private static func files(in folder: String) throws(FileStatus.Failure) -> [String] {
        var files: [String] = []
        for name in try FileStatus.names(inFolder: folder) {
            // Whatever an engine calls by such a name is no part: `_SUCCESS`, `_temporary`, `.part-0.crc`.
            guard let name, !name.hasPrefix("."), !name.hasPrefix("_"), ArchiveContent.junk(named: name) == nil else {
                continue
            }
            let path = "\(folder)/\(name)"
            switch try FileStatus.of(path).kind {
            case .folder: files += try self.files(in: path)
            case .file: files.append(path)
            case .other: break
            }
        }
        return files
    }
}
