internal import PipelineCore

extension InputFault {
    /// A fault of the record that begins on a line.
    ///
    /// - Parameters:
    ///   - line: From 1.
    ///   - raw: The record; no more is kept of it than `rawLimit`.
    init(_ code: Code, line: Int, _ problem: String, raw: UnsafeRawBufferPointer) {
        self.init(code: code, message: "line \(line): \(problem)", raw: Array(raw.prefix(Self.rawLimit)))
    }
}
