/// The format of a list of user IDs, with what it needs.
public enum ListLayout: Sendable, Equatable {
    /// An ID on each line. With a header, the first line that isn't empty is none.
    case lines(hasHeader: Bool)
    /// IDs with white space between them. With a header, the first line that isn't blank holds none.
    case whitespace(hasHeader: Bool)
    /// An ID in each row. The separator is found by looking at the first row where it is nil.
    case csv(column: CSVColumn, hasHeader: Bool, separator: UInt8?)
    /// A JSON document on each line, with the ID at a path of member names from the outside in.
    case ndjson(path: [String])

    /// The format at its beginning.
    ///
    /// - Parameter file: The file's name, for messages about its header.
    public func makeFormat(file: String) -> any RecordFormat {
        switch self {
        case .lines(let hasHeader): LineFormat(hasHeader: hasHeader)
        case .whitespace(let hasHeader): WhitespaceFormat(hasHeader: hasHeader)
        case .csv(let column, let hasHeader, let separator):
            CSVFormat(column: column, hasHeader: hasHeader, separator: separator, file: file)
        case .ndjson(let path): NDJSONFormat(path: path)
        }
    }
}
