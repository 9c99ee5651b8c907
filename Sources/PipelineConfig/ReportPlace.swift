/// Where a pipeline's report goes, and of which pipeline it is, as far as the file says so although something else in it is
/// wrong: whoever watches that report is to learn of it.
public struct ReportPlace: Sendable, Equatable {
    /// Nil where the file doesn't say it.
    public var pipeline: String?
    /// Absolute.
    public var path: String

    /// Nil where the file, its `report` or what that refers to can't be read, or there is none.
    ///
    /// - Parameter environment: For `${NAME}`.
    public init?(inFile file: String, environment: [String: String]) {
        guard let bytes = try? FileContents.read(file, limit: DocumentText.maximumBytes) else { return nil }
        // What is wrong is told already.
        var diagnostics = DiagnosticCollector(file: file)
        guard let root = PipelineDocument(bytes, diagnostics: &diagnostics)?.root else { return nil }
        let interpolation = Interpolation(environment: environment, folder: FileContents.folder(of: file))
        func text(_ node: DocumentNode?) -> String? {
            guard let node, !node.isNull, case .scalar(let text, _) = node.content else { return nil }
            let replaced = try? interpolation.replace(in: text).text
            return replaced.flatMap { $0.isEmpty || $0.utf8.contains(0) ? nil : $0 }
        }
        guard let path = text(root["report"]?["json"]), !path.contains("://") else { return nil }
        self.path = FileContents.resolve(path, in: interpolation.folder)
        pipeline = text(root["pipeline"])
    }
}
