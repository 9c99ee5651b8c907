import PipelineCore
import StoreFormat
import Testing

@Suite struct MigrationTests {
    /// A store that dies at a step is before it or after it.
    private final class Model: VersionedStore {
        let place = "the store"
        var number: Int
        var applied: [Int] = []
        var dies = false

        init(_ number: Int) { self.number = number }

        func format() -> StoreFormat { StoreFormat(number) }

        func migrate(_ body: () throws -> StoreFormat) throws {
            let before = applied
            let format = try body()
            if dies {
                applied = before
                throw Death()
            }
            number = format.number
        }
    }

    private struct Death: Error {}

    private func migrate(_ store: Model) throws {
        let steps = (StoreFormat.first.number + 1...StoreFormat.current.number).map { number in
            Migrations<Model>.Step(to: StoreFormat(number)) { $0.applied.append(number) }
        }
        try Migrations(steps).perform(on: store)
    }

    @Test func bringsAnEarlierStoreToTheCurrentFormat() throws {
        let store = Model(StoreFormat.first.number)
        try migrate(store)
        #expect(store.number == StoreFormat.current.number)
        #expect(store.applied == Array(StoreFormat.first.number + 1...StoreFormat.current.number))
    }

    @Test func leavesACurrentStoreAlone() throws {
        let store = Model(StoreFormat.current.number)
        try migrate(store)
        #expect(store.applied.isEmpty)
    }

    @Test func goesOnAfterADeath() throws {
        let store = Model(StoreFormat.first.number)
        store.dies = true
        #expect(throws: Death.self) { try migrate(store) }
        #expect(store.number == StoreFormat.first.number && store.applied.isEmpty)
        store.dies = false
        try migrate(store)
        #expect(store.number == StoreFormat.current.number)
    }

    @Test(arguments: [0, -1, StoreFormat.current.number + 1, 99, Int.max])
    func refusesWhatItDoesNotKnow(_ number: Int) throws {
        let store = Model(number)
        let error = try #require(throws: PipelineError.self) { try migrate(store) }
        #expect(error.kind == .configuration && error.message.hasPrefix("the store "))
        #expect(store.number == number && store.applied.isEmpty)
    }
}
