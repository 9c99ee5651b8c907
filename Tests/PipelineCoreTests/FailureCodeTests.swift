import PipelineCore
import Testing

@Suite("Codes of failures")
struct FailureCodeTests {
    /// As tables of failures have them: a released spelling stays.
    static let spellings: [(origin: FailureCode.Origin, codes: Set<String>)] = [
        (
            .list,
            [
                "EmptyUserId", "InvalidUserId", "InvalidEncoding", "InvalidJSON", "MissingField", "SurplusFields",
                "UnterminatedQuote",
            ]
        ),
        (.archive, ["MalformedRecord", "WrongApplication", "DamagedFile", "UnreadableFile"]),
        (
            .call,
            [
                "Throttled", "MalformedResponse", "Timeout", "ConnectionFailed", "HostNotFound", "CertificateInvalid",
                "TLSHandshakeFailed", "BodyTooLarge", "Unknown",
            ]
        ),
        (.answer, ["UnstorableKey"]), (.sink, ["RefusedBySink"]),
    ]

    @Test("Codes are spelled as ever, and have one origin each")
    func spelling() {
        for (origin, codes) in Self.spellings {
            #expect(Set(FailureCode.allCases.filter { $0.origin == origin }.map(\.rawValue)) == codes)
        }
        #expect(Set(Self.spellings.map { $0.origin }) == Set(FailureCode.Origin.allCases))
        #expect(Set(FailureCode.allCases.map(\.meaning)).count == FailureCode.allCases.count)
    }

    @Test("What is wrong with the input isn't asked again; everything else is, codes of the service among it")
    func asking() {
        func record(_ code: String, hasRaw: Bool = false) -> FailedRecord {
            FailedRecord(ordinal: 0, userID: "u", code: code, hasRaw: hasRaw)
        }
        for (origin, codes) in Self.spellings {
            for code in codes {
                #expect(record(code).isOfInput == [.list, .archive].contains(origin), "\(code)")
                #expect(record(code).isRefused == (origin == .sink), "\(code)")
            }
        }
        #expect(!record("InternalServerErrorException").isOfInput && !record("InternalServerErrorException").isRefused)
        #expect(record("Throttled", hasRaw: true).isOfInput)
    }
}
