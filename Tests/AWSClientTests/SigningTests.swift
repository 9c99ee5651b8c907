import AWSSigning
import Foundation
import Testing

@Suite struct SigningTests {
    /// RFC 9110's own example, and instants taken from `date -u -d @N`.
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "19941106T084937Z"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT", "19700101T000000Z"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "20000229T000000Z"),
        (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT", "20261231T235959Z"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "21000301T000000Z"),
    ])
    func dates(seconds: Int, http: String, signing: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == http)
        #expect(HTTPDate.unixSeconds(http) == seconds)
        #expect(SigningTime(unixSeconds: seconds).text == signing)
        #expect(SigningTime(signing)?.unixSeconds == seconds)
    }

    @Test(arguments: [
        "", "20250102", "20250102T030405", "20251302T030405Z", "20250230T030405Z", "20250102T240000Z",
        "2025010aT030405Z",
    ])
    func malformedTimes(text: String) {
        #expect(SigningTime(text) == nil)
    }

    @Test(arguments: [
        "", "120", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 6 X 1994 1:2:3 GMT",
        "Sun, 9999999999999999999999999 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 9999999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:99999999999999999999 GMT",
    ])
    func malformedHTTPDates(text: String) {
        #expect(HTTPDate.unixSeconds(text) == nil)
    }

    @Test(arguments: [
        ("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("a b", "a%20b"), ("ünï", "%C3%BCn%C3%AF"), ("a+b", "a%2Bb"),
        ("#:?\\", "%23%3A%3F%5C"), ("jane@example.com", "jane%40example.com"), ("a//b", "a%2F%2Fb"),
        ("-._~09azAZ", "-._~09azAZ"), ("\u{0}\u{7f}", "%00%7F"),
    ])
    func encoding(plain: String, wire: String) {
        #expect(URIEncoding.encode(plain) == wire)
        #expect(URIEncoding.decode(wire.utf8) == Array(plain.utf8))
    }

    @Test(arguments: [
        "", "Basic abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20250102/r/s/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/20250102/r/s/aws4_request, Signature=\(String(repeating: "0", count: 64))",
        "AWS4-HMAC-SHA256 Credential=a/20250102/r/s/aws5, SignedHeaders=host, Signature=\(String(repeating: "0", count: 64))",
        "AWS4-HMAC-SHA256 nonsense",
    ])
    func malformedAuthorization(value: String) {
        #expect(throws: AuthorizationHeader.Malformed.self) { _ = try AuthorizationHeader(parsing: value) }
    }

    @Test func authorizationRoundTrip() throws {
        let header = AuthorizationHeader(
            accessKeyID: "AKID", scope: CredentialScope(day: "20250102", region: "eu-west-1", service: "x"),
            signedHeaders: "host;x-amz-date", signature: String(repeating: "a", count: 64))
        #expect(try AuthorizationHeader(parsing: header.text) == header)
        let tight = header.text.replacingOccurrences(of: ", ", with: ",")
        #expect(try AuthorizationHeader(parsing: tight) == header)
        #expect(header.signedHeaderNames == ["host", "x-amz-date"])
        let sent = [SigningHeader("Host", "h"), SigningHeader("X-Amz-Security-Token", "t")]
        #expect(SignatureVerification.unsignedHeaders(header, headers: sent) == ["x-amz-security-token"])
    }

    @Test func comparison() {
        #expect(SignatureVerification.equal("abc", "abc"))
        #expect(!SignatureVerification.equal("abc", "abd"))
        #expect(!SignatureVerification.equal("abc", "ab"))
    }

    @Test func secretsDoNotPrint() {
        let credentials = SigningCredentials(accessKeyID: "AKID", secretAccessKey: "s3cret", sessionToken: "t0ken")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("s3cret") && !text.contains("t0ken"))
        }
    }

    /// A tampered request never verifies.
    @Test func tampering() throws {
        let credentials = SigningCredentials(accessKeyID: "AKID", secretAccessKey: "secret")
        let signer = RequestSigner(region: "us-east-1", service: "mobiletargeting")
        let time = SigningTime(unixSeconds: 1_700_000_000)
        let host = SigningHeader("Host", "127.0.0.1:4100")
        let target = "/v1/apps/a/users/u%2F1"
        let signature = signer.sign(method: "GET", target: target, headers: [host], credentials: credentials, at: time)
        let authorization = try AuthorizationHeader(parsing: signature.authorization)
        func verifies(_ method: String, _ target: String, _ headers: [SigningHeader]) -> Bool {
            let expected = SignatureVerification.expectedSignature(
                of: authorization, method: method, target: target, headers: headers, credentials: credentials,
                at: time, keys: SigningKeyCache())
            return SignatureVerification.equal(expected.signature, authorization.signature)
        }
        let date = SigningHeader("x-amz-date", signature.date)
        #expect(verifies("GET", target, [host, date, SigningHeader("User-Agent", "x")]))
        #expect(!verifies("PUT", target, [host, date]))
        #expect(!verifies("GET", "/v1/apps/a/users/u%2F2", [host, date]))
        #expect(!verifies("GET", "/v1/apps/a/users/u/1", [host, date]))
        #expect(!verifies("GET", target, [SigningHeader("Host", "other"), date]))
        #expect(!verifies("GET", target, [host]))
    }
}
