internal import Foundation
internal import PipelineConfig
internal import PipelineCore

/// The JSON Schema that a pipeline's first line names, for editors.
struct SchemaFile {
    /// As the line names it.
    let name: String
    /// Where it is to be written; nil where it is there already.
    let path: String?

    static let fileName = "sluice.schema.json"

    /// The one that is installed with the program, else one beside the pipeline.
    ///
    /// - Parameter folder: the pipeline's, as the system opens it.
    init(besidePipelineIn folder: String) {
        if let installed = Self.installed {
            (name, path) = (installed, nil)
            return
        }
        let beside = folder + "/" + Self.fileName
        (name, path) = (Self.fileName, FileManager.default.fileExists(atPath: beside) ? nil : beside)
    }

    /// `bin/sluice` has it in `share/sluice`, both below /usr and in the folder that is unpacked.
    private static var installed: String? {
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return nil
        }
        let prefix = URL(fileURLWithPath: program).deletingLastPathComponent().deletingLastPathComponent().path
        let path = (prefix == "/" ? "" : prefix) + "/share/sluice/" + fileName
        return FileManager.default.fileExists(atPath: path) && !path.contains(" ") ? path : nil
    }
}
