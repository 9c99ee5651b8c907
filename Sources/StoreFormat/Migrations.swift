internal import PipelineCore

/// The steps that bring a store to the current format, each from one number to the next.
///
/// Each step is one transaction of the store's own, with the number inside it: a process that dies leaves the store before
/// the step or after it, and the next one goes on from there.
public struct Migrations<Store> {
    /// One step.
    public struct Step {
        /// The format that the store has afterwards.
        public let format: StoreFormat
        /// Changes the store, without its number. May find a part of it done already.
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
    /// - Parameters:
    ///   - place: names the store in messages.
    ///   - format: reads the store's number; asked before each step, within its transaction, since another process may
    ///     have been faster.
    ///   - transaction: does all that its argument does at once, or nothing of it; the argument gives the number that the
    ///     store has afterwards, to be written with the rest.
    /// - Throws: `PipelineError` of kind `.configuration` for a number that this version doesn't know; whatever a step
    ///   throws.
    public func perform(
        on store: Store, at place: String, format: (Store) throws -> StoreFormat,
        transaction: (Store, (Store) throws -> StoreFormat) throws -> Void
    ) throws {
        while true {
            let found = try format(store)
            try found.check(of: place)
            if found == .current { return }
            try transaction(store) { store in
                let found = try format(store)
                guard let step = steps.first(where: { $0.format > found }) else { return found }
                try step.apply(store)
                return step.format
            }
        }
    }
}
