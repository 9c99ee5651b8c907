/// Users beside the population, for clients' tests: none of them stands in the files that are written of a population.
///
/// | ID | answer |
/// |---|---|
/// | `a/b`, `a%2Fb`, `#:?\` and the others of `wireIDs` | found: IDs that are hard to put on the wire |
/// | `odd-empty-user` | endpoints with `"User":{}` |
/// | `odd-foreign-user` | endpoints that name another user and another application |
/// | `odd-id-missing`, `-number`, `-null`, `-empty`, `-nul`, `-surrogate` | endpoints whose Id can't be a key |
/// | `odd-id-case` | endpoints whose Ids differ in case only |
/// | `odd-item-null`, `odd-item-empty` | `{"Item":null}`, `{"Item":[]}` |
/// | `odd-malformed-empty`, `-object`, `-html`, `-list`, `-cut` | 200, but not the answer's form, however often it is asked for |
/// | `odd-large` | 15 endpoints, about 225 KB in all |
/// | `odd-forbidden`, `odd-shutdown` | 403 ForbiddenException; the latter with the words of the service's shutdown |
/// | `odd-application` | 404 NotFoundException that speaks of the application |
/// | `odd-proxy` | 404 that isn't the API's |
/// | `odd-bad-request`, `odd-too-large` | 400 BadRequestException, 413 PayloadTooLargeException |
/// | any other `odd-…` | found |
///
/// An ID of this table may go on behind a dot: `odd-malformed-html.17` is one more user of that kind.
public enum OddUser {
    /// User IDs that take care to put on the wire and to sign; all are found.
    public static let wireIDs = [
        "a/b", "a b", "a+b", "jane@example.com", "a%2Fb", "ünï", "#:?\\", "a//b", "é中😀", "it's(fine)!*", "a+b=c&d",
        "tilde~_.-", ".hidden", "a:b;c,d", "~", "100%", "eu-central-1:7a1b2c3d-0000-4000-8000-0123456789ab",
        "${curly}", "quote\"d", "a\\b", "%", "%2", "%zz", "%2525", "...", " lead", "trail ", "new\nline",
    ]

    private static let wireBytes = Set(wireIDs.map { Array($0.utf8) })

    /// Nil where the ID is none of these.
    static func answer(to id: [UInt8], seed: UInt64, application: [UInt8]) -> Answer? {
        if wireBytes.contains(id) {
            return .endpoints(SyntheticUser(oddID: id, seed: seed), application: application)
        }
        guard id.starts(with: "odd-".utf8) else { return nil }
        let kind = String(decoding: id.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
        func user(_ oddity: SyntheticUser.Oddity?) -> Answer {
            .endpoints(SyntheticUser(oddID: id, seed: seed, oddity: oddity), application: application)
        }
        switch kind {
        case "odd-empty-user": return user(.emptyUser)
        case "odd-foreign-user":
            return .endpoints(
                SyntheticUser(oddID: id, seed: seed, oddity: .foreignUser), application: Array("somewhere-else".utf8))
        case "odd-id-missing": return user(.withoutIdentifier)
        case "odd-id-number": return user(.identifier("7"))
        case "odd-id-null": return user(.identifier("null"))
        case "odd-id-empty": return user(.identifier(#""""#))
        case "odd-id-nul": return user(.identifier(#""a\u0000b""#))
        case "odd-id-surrogate": return user(.identifier(#""a\ud800""#))
        case "odd-id-case": return user(.sameIdentifier)
        case "odd-item-null": return .body(#"{"Item":null}"#)
        case "odd-item-empty": return .body(#"{"Item":[]}"#)
        case "odd-malformed-empty": return .body("")
        case "odd-malformed-object": return .body("{}")
        case "odd-malformed-html": return .html
        case "odd-malformed-list": return .body("[]")
        case "odd-malformed-cut": return .body(#"{"Item":[{"Id":"cut"#)
        case "odd-large": return .large(id, application: application)
        case "odd-forbidden": return .error(.forbidden)
        case "odd-shutdown": return .error(.shutdown)
        case "odd-application": return .error(.unknownApplication)
        case "odd-proxy": return .wrongPath
        case "odd-bad-request": return .error(.badRequest("The user ID isn't acceptable."))
        case "odd-too-large": return .error(.payloadTooLarge)
        default: return user(nil)
        }
    }
}
