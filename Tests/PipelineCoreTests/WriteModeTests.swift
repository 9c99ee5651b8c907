import PipelineCore
import Testing

@Suite("Traits of write modes")
struct WriteModeTests {
    @Test("What each mode means")
    func traits() {
        func modes(_ trait: (WriteMode) -> Bool) -> [WriteMode] { WriteMode.allCases.filter(trait) }
        #expect(modes(\.keepsRunsApart) == [.append])
        #expect(modes(\.mergesWithEarlierRuns) == [.merge])
        #expect(modes(\.needsKeys) == [.merge])
        #expect(modes(\.holdsOneRun) == [.replace])
        #expect(modes(\.publishesAtEnd) == [.replace])
        #expect(modes(\.mayBeSharded) == [.merge, .append])
    }
}
