import PipelineCore
import StoreFormat
import Testing

@Suite struct MigrationTests {
    /// A store that dies at a step is before it or after it.
    private final class Model {
        var format: Int
        var applied: [Int] = []
        var failing = false
        init(_ format: Int) { self.format = format }
    }

    private struct Death: Error {}

    private func migrate(_ store: Model) throws {
        let steps = (StoreFormat.first.number + 1...StoreFormat.current.number).map { number in
            Migrations<Model>.Step(to: StoreFormat(number)) { $0.applied.append(number) }
        }
        try Migrations(steps).perform(
            on: store, at: "the store", format: { StoreFormat($0.format) },
            transaction: { store, body in
                let before = store.applied
                let format = try body(store)
                if store.failing {
                    store.applied = before
                    throw Death()
                }
                store.format = format.number
            })
    }

    @Test func bringsAnEarlierStoreToTheCurrentFormat() throws {
        let store = Model(StoreFormat.first.number)
        try migrate(store)
        #expect(store.format == StoreFormat.current.number)
        #expect(store.applied == Array(StoreFormat.first.number + 1...StoreFormat.current.number))
    }

    @Test func leavesACurrentStoreAlone() throws {
        let store = Model(StoreFormat.current.number)
        try migrate(store)
        #expect(store.applied.isEmpty)
    }

    @Test func goesOnAfterADeath() throws {
        let store = Model(StoreFormat.first.number)
        store.failing = true
        #expect(throws: Death.self) { try migrate(store) }
        #expect(store.format == StoreFormat.first.number && store.applied.isEmpty)
        store.failing = false
        try migrate(store)
        #expect(store.format == StoreFormat.current.number)
    }

    @Test(arguments: [0, -1, StoreFormat.current.number + 1, 99, Int.max])
    func refusesWhatItDoesNotKnow(_ number: Int) throws {
        let store = Model(number)
        let error = try #require(throws: PipelineError.self) { try migrate(store) }
        #expect(error.kind == .configuration && error.message.hasPrefix("the store "))
        #expect(store.format == number && store.applied.isEmpty)
    }
}
