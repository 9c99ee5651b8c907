import EndpointServer
import Foundation
import Testing

@Suite struct SyntheticPopulationTests {
    @Test func endpointsDependOnSeedAndIDAlone() {
        let small = SyntheticPopulation(users: 50, seed: 7)
        let large = SyntheticPopulation(users: 5000, seed: 7)
        let other = SyntheticPopulation(users: 50, seed: 8)
        var differing = 0
        for id in small.ids {
            let endpoints = small.endpoints(of: id, applicationID: "a")
            #expect(endpoints == large.endpoints(of: id, applicationID: "a"))
            #expect(small.status(of: id) == large.status(of: id))
            if endpoints != other.endpoints(of: id, applicationID: "a") { differing += 1 }
        }
        #expect(differing > 40)
    }

    /// The first user's data as the first version wrote it: recorded runs stay comparable.
    @Test func theDataOfASeedStaysWhatItIs() {
        let population = SyntheticPopulation(users: 1, seed: 1)
        let text = population.endpoints(of: "user-000000", applicationID: "synthetic")
            .map { String(decoding: $0, as: UTF8.self) }
        #expect(text.count == 1)
        #expect(
            text.first?.hasPrefix(
                #"{"Address":"+4915163196437","ApplicationId":"synthetic","ChannelType":"SMS","CohortId":"75","#
                    + #""CreationDate":"2021-03-15T19:29:42.703Z","Demographic":{"AppVersion":"1.0","Locale":"es_419","#
            )
                == true)
        #expect(text.first?.contains(#""Id":"7ab40e09-0f36-3a7d-1408-503f4d62f65f""#) == true)
    }

    @Test(arguments: [1, 2, 99] as [UInt64]) func threeInAHundredAreAbsentAndTheOthersHaveZeroToFifteen(seed: UInt64) {
        let population = SyntheticPopulation(users: 20_000, seed: seed)
        var absent = 0
        var counts = [Int](repeating: 0, count: 16)
        for id in population.ids {
            switch population.status(of: id) {
            case .absent:
                absent += 1
                #expect(population.endpoints(of: id, applicationID: "a").isEmpty)
            case .found(let endpoints): counts[endpoints] += 1
            }
        }
        // Four standard deviations of a binomial share of 3 % among 20,000.
        #expect(abs(absent - 600) < 97)
        #expect(counts.allSatisfy { $0 > 0 })
        let total = counts.enumerated().map { $0.offset * $0.element }.reduce(0, +)
        #expect((2.0...3.0).contains(Double(total) / 20_000))
    }

    @Test(
        arguments: [
            ("user-000000", true), ("user-000999", true), ("user-001000", false), ("user-0000", false),
            ("user-0000001", false), ("user-00000a", false), ("user--00001", false), ("User-000000", false),
            ("user-000000 ", false), ("", false), ("odd-anything", false), ("user-99999999999999999999999999", false),
        ])
    func onlyIDsWrittenAsTheyAreListedAreKnown(id: String, isKnown: Bool) {
        let population = SyntheticPopulation(users: 1000, seed: 1)
        #expect(population.ids.contains(id) == isKnown)
        if !isKnown { #expect(population.status(of: id) == .absent) }
    }

    @Test func idsGoOnBeyondSixDigits() {
        let population = SyntheticPopulation(users: 1_000_002, seed: 1)
        #expect(population.ids.suffix(3) == ["user-999999", "user-1000000", "user-1000001"])
        let known = (1_000_000..<1_000_002).map { population.status(of: "user-\($0)") }
        #expect(known.contains { $0 != .absent })
    }

    @Test func filesSayWhatThePopulationSays() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let population = SyntheticPopulation(users: 300, seed: 3)
        func written(_ name: String, _ write: (String) throws -> Void) throws -> [Substring] {
            let path = folder.appendingPathComponent(name).path
            try write(path)
            return try String(contentsOfFile: path, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
        }
        let ids = try written("ids") { try population.writeIDs(to: $0) }
        #expect(ids == population.ids.map { Substring($0) } + [""])
        let outcomes = try written("outcomes") { try population.writeOutcomes(to: $0) }
        #expect(outcomes.first == "user_id,status,endpoint_count")
        for (line, id) in zip(outcomes.dropFirst(), population.ids) {
            switch population.status(of: id) {
            case .absent: #expect(line == "\(id),absent,0")
            case .found(let endpoints): #expect(line == "\(id),found,\(endpoints)")
            }
        }
        let archive = try written("archive") { try population.writeArchive(to: $0, applicationID: "app") }
        let endpoints = population.ids.flatMap { population.endpoints(of: $0, applicationID: "app") }
        #expect(archive.dropLast().map { Array($0.utf8) } == endpoints)
        #expect(throws: OutputFileError.self) { try population.writeIDs(to: folder.path) }
        #expect(throws: OutputFileError.self) { try population.writeArchive(to: "/nowhere/at/all", applicationID: "a") }
    }
}
