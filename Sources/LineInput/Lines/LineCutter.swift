public import PipelineCore

/// Cuts input into lines, and holds no more of one than its bound.
///
/// A line ends with LF, CR LF or CR; the last line needs no end.
public struct LineCutter {
    /// A line, valid while it is looked at.
    public struct Line {
        /// Without its break. Of a line that isn't whole, one byte more than the bound.
        public var text: UnsafeRawBufferPointer
        /// From 1.
        public var number: Int
        /// False where the line is longer than its bound, and its end wasn't seen.
        public var isWhole: Bool
    }

    /// What becomes of marks that stand at a line's ends because files were joined.
    public enum Joints: Sendable {
        /// They don't belong to the line.
        case dropped
        case kept
    }

    /// Lines completely before the next one.
    public private(set) var line: UInt64 = 0
    /// A line's bound in bytes. What is in memory anyway may be longer, and counts as whole.
    public let longest: Int
    private let joints: Joints

    public init(longest: Int, joints: Joints = .dropped) {
        self.longest = longest
        self.joints = joints
    }

    /// Goes to a position; before the first line a byte order mark is dropped.
    ///
    /// - Throws: `InputDamage` where the input doesn't reach that far.
    public mutating func begin(_ input: InputWindow, at position: Position) throws {
        line = position.line
        if position.offset == 0 {
            try input.skipByteOrderMark()
        } else {
            try input.skip(toEndOfRecord: position.offset)
        }
    }

    /// Cuts off lines up to the first of which something is made; nil at the end of input.
    ///
    /// - Parameter make: What a line is; nil passes over it.
    /// - Returns: That, and the line's number.
    /// - Throws: `InputDamage`; the partial line before it is still in the window.
    public mutating func next<Content>(
        _ input: InputWindow, _ make: (Line) -> Content?
    ) throws -> (content: Content, number: Int)? {
        while true {
            if joints == .dropped { try input.skipJoints() }
            let number = Int(line) + 1
            let end = try lineBreak(input)
            if end == nil, input.count == 0 { return nil }
            let breakLength = try end.map(input.lineBreakLength(at:)) ?? 0
            let isWhole = end != nil || input.count <= longest
            var text = UnsafeRawBufferPointer(rebasing: input.bytes[..<(end ?? min(input.count, longest + 1))])
            if isWhole, joints == .dropped { text = InputWindow.withoutJoints(text) }
            let content = make(Line(text: text, number: number, isWhole: isWhole))
            let isComplete: Bool
            if let end {
                input.consume(end + breakLength)
                isComplete = true
            } else {
                isComplete = try input.consumeLine()
            }
            // An unfinished last line doesn't count: what is appended to the file later still belongs to it.
            if isComplete { line += 1 }
            if let content { return (content, number) }
        }
    }

    /// The index of the break that ends the line at hand; nil where the line is too long to be held, or the last one.
    private func lineBreak(_ input: InputWindow) throws -> Int? {
        var scanned = 0
        while true {
            if let index = input.lineBreak(from: scanned) { return index }
            scanned = input.count
            if scanned > longest { return nil }
            if try !input.extend() { return nil }
        }
    }
}
