/// The paths of names that an option takes, where not every path will do.
public struct PathNames: Sendable {
    /// What may stand below a name.
    public indirect enum Node: Sendable {
        /// Nothing.
        case end
        /// One name, whatever it is.
        case anyName
        /// One of these, or `*` for each of them.
        case members([(name: String, node: Node)])
    }

    public var root: Node
    /// Why a path isn't one of these; nil for one that is.
    public var problem: @Sendable ([String]) -> String?

    public init(root: Node, problem: @escaping @Sendable ([String]) -> String?) {
        self.root = root
        self.problem = problem
    }
}
