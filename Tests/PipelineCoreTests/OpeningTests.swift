import PipelineCore
import Testing

@Suite struct OpeningTests {
    private actor Door: Closable {
        private(set) var isConnected = false
        private(set) var isClosed = false

        func connect() { isConnected = true }
        func fail() throws { throw PipelineError(.cantCreate, "no room") }
        func close() { isClosed = true }
    }

    @Test func givesWhatItOpened() async throws {
        let door = Door()
        let opened = try await opening(door) { await $0.connect() }
        #expect(opened === door)
        #expect(await door.isConnected)
        #expect(await !door.isClosed)
    }

    @Test func closesWhatFailedToOpen() async throws {
        let door = Door()
        let error = await #expect(throws: PipelineError.self) { try await opening(door) { try await $0.fail() } }
        #expect(error?.kind == .cantCreate)
        #expect(await door.isClosed)
    }
}
