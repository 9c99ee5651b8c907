/// Why bytes are not a JSON document, and where. Says nothing of the document's content.
public struct JSONDecodingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: UInt8, Sendable, Hashable, CaseIterable {
        case unexpectedEnd
        case unexpectedByte
        case byteOrderMark
        case invalidLiteral
        case invalidNumber
        case invalidEscape
        case controlCharacter
        case invalidUTF8
        case expectedName
        case expectedColon
        case expectedCommaOrEnd
        case tooDeep
        case trailingContent
        /// 4 GiB or more.
        case tooLong
    }

    public var reason: Reason
    /// In bytes, from 0; equal to the number of bytes where the document ends too early.
    public var offset: Int

    @inlinable
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "not JSON: \(explanation) at byte \(offset)" }

    private var explanation: String {
        switch reason {
        case .unexpectedEnd: "the document ends too early,"
        case .unexpectedByte: "no value can begin"
        case .byteOrderMark: "a byte order mark stands"
        case .invalidLiteral: "a word other than true, false and null begins"
        case .invalidNumber: "a number is malformed"
        case .invalidEscape: "an escape in a string is malformed"
        case .controlCharacter: "a string holds an unescaped control character"
        case .invalidUTF8: "the text is not UTF-8"
        case .expectedName: "a member's name is missing"
        case .expectedColon: "a colon is missing"
        case .expectedCommaOrEnd: "a comma or a closing bracket is missing"
        case .tooDeep: "lists and maps are nested too deeply"
        case .trailingContent: "something follows the document"
        case .tooLong: "the document is longer than 4 GiB,"
        }
    }
}
