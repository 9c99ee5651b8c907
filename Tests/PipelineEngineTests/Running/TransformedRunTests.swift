import Flattening
import PipelineCore
import PipelineEngine
import Testing

/// What transforms do to whole records, in runs over several sinks.
@Suite struct TransformedRunTests {
    private static func transform<P: Plugin>(_ plugin: P.Type, _ options: [String: OptionValue]) throws -> any Transform
    {
        let context = PluginContext(
            pipeline: "p", name: "t", stateDirectory: "/", environment: [:], version: "1", warn: { _ in })
        return try #require(try plugin.make(Options(options), context) as? any Transform)
    }

    private static func mask(_ paths: [String]...) throws -> any Transform {
        try transform(
            MaskTransform.self,
            [
                "paths": .list(paths.map { .fieldPath($0) }), "with": .text("hmac-sha256"),
                "key": .secret(Secret("0123456789abcdef")),
            ])
    }

    /// A full copy and a masked one, each user asked for once; users who lose endpoints lose them in both.
    @Test func aFullSinkAndAMaskedOne() async throws {
        let mask = try Self.mask(["Id"], ["User", "UserId"], ["ApplicationId"])
        let hidden = try #require(mask.idMask(for: .user))
        var pipeline = TestPipeline([.merge, .merge], ids: TestPipeline.ids(0..<30)) { userID, _, _ in
            let number = TestPipeline.number(userID)
            switch number {
            case 7: return .absent
            case 8:
                return .failed(
                    RecordFailure(
                        status: 400, code: "BadRequestException", message: "no user-8 here", requestID: "r-user-8",
                        raw: [65]))
            default: return try TestPipeline.found(["e-\(number)", "f-\(number)"])
            }
        }
        pipeline.transforms = [[], [mask]]
        let report = await pipeline.run()
        #expect(report.summary?.counts.failed == 1)
        #expect(pipeline.lookup.asked.count == 30)
        let (full, masked) = (pipeline.stores[0], pipeline.stores[1])
        for (column, table) in [
            ("user_id", "users"), ("user_id", "endpoints"), ("user_id", "failures"), ("endpoint_id", "endpoints"),
            ("endpoint_id", "endpoint_attributes"), ("application_id", "users"),
        ] {
            let plain = full.texts(column, of: table, mode: .merge)
            #expect(!plain.isEmpty)
            #expect(masked.texts(column, of: table, mode: .merge) == plain.map(hidden).sorted(), "\(table).\(column)")
        }
        #expect(full.texts("message", of: "failures", mode: .merge) == ["no user-8 here"])
        let words = masked.texts("message", of: "failures", mode: .merge)
        #expect(words.count == 1 && words[0].contains("left out") && !words[0].contains("here"))
        #expect(masked.texts("request_id", of: "failures", mode: .merge) == ["r-\(hidden("user-8"))"])
        #expect(full.texts("raw", of: "failures", mode: .merge) == ["A"])
        #expect(masked.texts("raw", of: "failures", mode: .merge) == [""])

        var next = pipeline.next(TestPipeline.ids(0..<10)) { userID, _, _ in
            try TestPipeline.found(["e-\(TestPipeline.number(userID))"])
        }
        next.millisecondsLater = 1000
        let second = await next.run()
        #expect(second.summary?.sinks.map(\.counts.removed) == [8, 8])
        let plain = full.texts("endpoint_id", of: "endpoints", mode: .merge)
        #expect(plain.count == 10 + 2 * 20)
        #expect(masked.texts("endpoint_id", of: "endpoints", mode: .merge) == plain.map(hidden).sorted())
    }

    /// A user's filtered endpoints are stale ones; they are counted.
    @Test func filteredEndpointsGo() async throws {
        let filter = try Self.transform(
            FilterTransform.self, ["path": .fieldPath(["Id"]), "not_in": .list([.text("e-3"), .text("e-4")])])
        var pipeline = TestPipeline([.merge], ids: TestPipeline.ids(0..<10), answer: TestPipeline.everybody)
        await pipeline.run()
        #expect(pipeline.stores[0].rows("endpoints").count == 10)
        pipeline.transforms = [[filter]]
        pipeline.millisecondsLater = 1000
        let report = await pipeline.run()
        let counts = try #require(report.summary?.counts)
        #expect((counts.filtered, counts.removed, counts.endpoints, counts.found) == (2, 2, 8, 10))
        #expect(pipeline.stores[0].rows("endpoints").count == 8)
        #expect(pipeline.stores[0].rows("users").count == 10)
        #expect(report.text()?.contains("2 filtered out") == true)
    }
}
