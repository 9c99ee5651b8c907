internal import ArgumentParser

extension PipelineFile {
    /// What a shell proposes where a pipeline's file is to be named.
    static var completion: CompletionKind { .file(extensions: ["yaml", "yml"]) }
}
