/// A column of the endpoints table that is pulled out of an endpoint's members. They stay where they are otherwise.
public struct PulledColumn: Sendable, Hashable {
    /// What becomes of the value. Of a list its strings, numbers, `true` and `false` count; nulls, lists and maps in it
    /// don't.
    public enum Form: Sendable, Hashable {
        /// The first one, as text.
        case first
        /// All of them, as text.
        case joined(separator: String)
        /// The value as it stands in the answer.
        case json
        /// The first one, which is a number or a text that says one as JSON does; `extra` takes what is neither.
        case number
    }

    /// The column's name.
    public var name: String
    /// Names from the outside in.
    public var path: [String]
    public var form: Form

    public init(name: String, path: [String], form: Form) {
        self.name = name
        self.path = path
        self.form = form
    }

    /// The column's type.
    public var type: ColumnType {
        switch form {
        case .first, .joined: .text
        case .json: .json
        case .number: .real
        }
    }
}
