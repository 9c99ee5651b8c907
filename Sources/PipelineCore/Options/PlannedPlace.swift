/// A file or folder that a pipeline names, and what happens there.
public struct PlannedPlace: Sendable {
    public enum Owner: Sendable, Hashable {
        case source
        /// By its place in the list.
        case sink(Int)
        case report
        case stateDirectory
        /// The pipeline's own file.
        case pipeline
        /// A file that a reference of the pipeline takes a value from.
        case reference
    }

    public var owner: Owner
    /// For messages: "sink 'x'".
    public var label: String
    public var role: PlaceRole
    /// Absolute; `-` is standard input.
    public var path: String
    /// What a role of files in a way of the plugin's own stands for.
    public var inputs: InputFiles?

    public init(owner: Owner, label: String, role: PlaceRole, path: String, inputs: InputFiles? = nil) {
        self.owner = owner
        self.label = label
        self.role = role
        self.path = path
        self.inputs = inputs
    }

    /// Whether something is written there.
    public var isOutput: Bool {
        switch role {
        case .input, .inputs: false
        case .outputFile, .outputFolder: true
        }
    }
}

/// One part of a pipeline would write over what another one reads or writes.
public struct PlaceConflict: Sendable {
    /// The place at fault, by its index in the list that was checked.
    public var index: Int
    /// The place that it is in conflict with, where that is an output as well.
    public var otherIndex: Int?
    /// What is wrong.
    public var message: String
    /// What helps.
    public var hint: String

    public init(index: Int, otherIndex: Int? = nil, message: String, hint: String) {
        self.index = index
        self.otherIndex = otherIndex
        self.message = message
        self.hint = hint
    }
}
