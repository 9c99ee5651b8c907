import Flattening
import Foundation
import PipelineCore
import Testing

/// Inputs that once made the fuzzer's target end badly, and some that were written to; they are to be read, or refused,
/// without a trap.
@Suite struct CrashTests {
    static var inputs: [URL] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Crashes")
        let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (files ?? []).sorted { $0.path < $1.path }
    }

    @Test func areReadOrRefused() throws {
        #expect(!Self.inputs.isEmpty)
        for input in Self.inputs {
            guard let tape = try? JSONTape(decoding: Array(Data(contentsOf: input))) else { continue }
            for isLine in [true, false] {
                let form: EndpointTape.Form = tape.root.kind == .object ? .single(node: 0) : .none
                let batch = FlattenedBatch([
                    record(
                        .found(EndpointTape(tape, form: form)), user: isLine ? nil : "u",
                        application: isLine ? nil : "app")
                ])
                #expect(batch.counts.records == 1)
            }
        }
    }
}
