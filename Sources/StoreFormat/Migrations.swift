/// A store that carries the number of its format.
public protocol VersionedStore {
    /// What messages call it: a path, a server with database and schema.
    var place: String { get }
    /// The number that it has now.
    func format() throws -> StoreFormat
    /// Does all that `body` does at once, or nothing of it; `body` gives the number that the store has afterwards, which is
    /// written with the rest.
    func migrate(_ body: () throws -> StoreFormat) throws
}

/// The steps that bring a store to the current format, each from one number to the next.
///
/// Each step is one transaction of the store's own, with the number inside it: a process that dies leaves the store before
/// the step or after it, and the next one goes on from there.
public struct Migrations<Store: VersionedStore> {
    /// One step.
    public struct Step {
        /// The format that the store has afterwards.
        public let format: StoreFormat
        /// Changes the store, without its number.
        public let apply: (Store) throws -> Void

        public init(to format: StoreFormat, _ apply: @escaping (Store) throws -> Void) {
            self.format = format
            self.apply = apply
        }
    }

    private let steps: [Step]

    /// - Precondition: One step for each format after the first, in order.
    public init(_ steps: [Step]) {
        precondition(
            steps.map(\.format.number) == Array(StoreFormat.first.number + 1..<StoreFormat.current.number + 1),
            "a step for each format")
        self.steps = steps
    }

    /// Brings a store to the current format; does nothing where it has that.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` for a number that this version doesn't know; whatever a step
    ///   throws, and then the store is as the step before has left it.
    public func perform(on store: Store) throws {
        while try store.format() != .current {
            try store.format().check(of: store.place)
            try store.migrate {
                // Another process may have been faster.
                let found = try store.format()
                guard let step = steps.first(where: { $0.format > found }) else { return found }
                try step.apply(store)
                return step.format
            }
        }
    }
}
