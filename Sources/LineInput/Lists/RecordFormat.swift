public import PipelineCore

/// How a list of user IDs is cut into records.
public protocol RecordFormat {
    /// Lines completely before the next record.
    var line: UInt64 { get }
    /// Reads what stands before the first record (a byte order mark, a header) and goes to a position.
    mutating func begin(_ input: InputWindow, at position: Position) throws
    /// The next record; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial record before it is given up.
    mutating func next(_ input: InputWindow) throws -> InputRecord?
}
