public import PipelineCore

/// A record before its place in the archive is known.
public struct ArchivePiece: Sendable, Equatable {
    public var content: ArchiveRecord.Content
    /// The line on which it begins, from 1.
    public var line: Int

    public init(content: ArchiveRecord.Content, line: Int) {
        self.content = content
        self.line = line
    }
}

extension ArchivePiece {
    /// A record that stands for the rest of a file, in which nothing can be told apart any more.
    static func rest(_ input: InputWindow, _ code: InputFault.Code, line: Int, _ problem: String) -> ArchivePiece {
        ArchivePiece(
            content: .fault(
                InputFault(
                    code, line: line,
                    "\(problem); what follows in the file is lost, reading goes on with the next file", raw: input.bytes
                )),
            line: line)
    }
}
