/// The endpoints of one record: a JSON document, and where its endpoint objects stand. A value; the sinks of one chain
/// of transforms share it.
public struct EndpointTape: Sendable {
    /// What the document is.
    public enum Form: Sendable, Hashable {
        /// A list of endpoint objects at this node.
        case list(node: Int)
        /// One endpoint object at this node.
        case single(node: Int)
        /// No endpoint, as in `{"Item":null}`.
        case none
    }

    public var tape: JSONTape
    public let form: Form

    /// - Precondition: The form's node is a list of objects, or an object.
    public init(_ tape: JSONTape, form: Form) {
        self.tape = tape
        self.form = form
    }

    /// The nodes of the endpoint objects that still count, in order.
    public var indexes: [Int] {
        switch form {
        case .none: []
        case .list(let node): tape.elementIndexes(of: node)
        case .single(let node): tape.isDropped(node) ? [] : [node]
        }
    }

    /// The same, and in between the nodes of those that were taken out.
    public var allIndexes: [Int] {
        switch form {
        case .none: []
        case .list(let node): tape.elementIndexes(of: node, includingDropped: true)
        case .single(let node): [node]
        }
    }

    /// How many endpoints still count.
    public var count: Int { indexes.count }
    /// For reading a few; rows are made from the tape itself.
    public var endpoints: [JSONNode] { indexes.map { JSONNode(tape: tape, index: $0) } }
    /// Memory that it takes, in bytes.
    public var byteCount: Int { tape.byteCount }

    /// Takes an endpoint out, by its node.
    public mutating func drop(_ index: Int) { tape.dropElement(index) }
}
