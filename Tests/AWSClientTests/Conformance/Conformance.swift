import AWSSigning
import Foundation
import Testing

/// Published vectors of other projects. Skipped, visibly, where no folder is named and none is there.
@Suite("Conformance", .enabled(if: ConformanceFolder.url != nil, "no conformance vectors; set SLUICE_CONFORMANCE"))
struct Conformance {
    @Test("aws-c-auth's SigV4 suite, header form")
    func sigv4() throws {
        let cases = try ConformanceFolder.cases(
            in: "sigv4",
            with: [
                "context.json", "request.txt", "header-canonical-request.txt", "header-string-to-sign.txt",
                "header-signature.txt", "header-signed-request.txt",
            ])
        for name in cases {
            let context = try ConformanceFolder.json("sigv4/\(name)/context.json")
            // How long a signature lives matters to the query form alone.
            Self.expectKnown(
                context,
                [
                    "credentials", "expiration_in_seconds", "normalize", "omit_session_token", "region", "service",
                    "sign_body", "timestamp",
                ], "sigv4/\(name)/context.json")
            let request = try RawRequest(ConformanceFolder.text("sigv4/\(name)/request.txt"))
            let credentials = try #require(context["credentials"] as? [String: String])
            Self.expectKnown(
                credentials, ["access_key_id", "secret_access_key", "token"], "sigv4/\(name)/context.json")
            let key = try SigningCredentials(
                accessKeyID: #require(credentials["access_key_id"]),
                secretAccessKey: #require(credentials["secret_access_key"]), sessionToken: credentials["token"])
            let stamp = try #require(context["timestamp"] as? String).filter { $0 != "-" && $0 != ":" }
            let time = try #require(SigningTime(stamp))
            let signer = try RequestSigner(
                region: #require(context["region"] as? String), service: #require(context["service"] as? String),
                normalizesPath: #require(context["normalize"] as? Bool))
            let hash = CanonicalRequest.payloadHash(Array(request.body.utf8))
            var headers = request.headers
            if context["sign_body"] as? Bool == true { headers.append(SigningHeader("x-amz-content-sha256", hash)) }
            let omitsToken = context["omit_session_token"] as? Bool == true
            let canonical = signer.canonicalRequest(
                method: request.method, target: request.target, headers: headers, payloadHash: hash, date: time.text,
                sessionToken: omitsToken ? nil : key.sessionToken)
            let expected = try ConformanceFolder.text("sigv4/\(name)/header-canonical-request.txt")
            #expect(canonical.text == expected, "\(name)")
            let scope = CredentialScope(day: time.day, region: signer.region, service: signer.service)
            let toSign = String(decoding: canonical.stringToSign(at: time, scope: scope), as: UTF8.self)
            #expect(try toSign == ConformanceFolder.text("sigv4/\(name)/header-string-to-sign.txt"), "\(name)")
            let signature = signer.sign(
                method: request.method, target: request.target, headers: headers, payloadHash: hash,
                credentials: key, at: time, signsSessionToken: !omitsToken)
            let signed = try ConformanceFolder.text("sigv4/\(name)/header-signed-request.txt")
            #expect(signed.contains("Authorization:\(signature.authorization)\n"), "\(name)")
            let bare = try ConformanceFolder.text("sigv4/\(name)/header-signature.txt")
            #expect(signature.authorization.hasSuffix("Signature=\(bare)"), "\(name)")
            #expect(signature.date == time.text)
            try verify(signature, request: request, headers: headers, hash: hash, credentials: key, signer: signer)
        }
        Self.report(cases.count, "sigv4, header form")
    }

    /// The server's side must come to the same signature from the request as it goes over the wire.
    private func verify(
        _ signature: RequestSigner.Signature, request: RawRequest, headers: [SigningHeader], hash: String,
        credentials: SigningCredentials, signer: RequestSigner
    ) throws {
        var sent = headers + [SigningHeader("X-Amz-Date", signature.date)]
        if let token = credentials.sessionToken { sent.append(SigningHeader("X-Amz-Security-Token", token)) }
        let header = try AuthorizationHeader(parsing: signature.authorization)
        let expected = SignatureVerification.expectedSignature(
            of: header, method: request.method, target: request.target, headers: sent, payloadHash: hash,
            credentials: credentials, at: try #require(SigningTime(signature.date)),
            normalizingPath: signer.normalizesPath, keys: SigningKeyCache())
        #expect(SignatureVerification.equal(expected.signature, header.signature))
    }
}

/// `request.txt` of aws-c-auth's suite, read raw: targets hold blanks and UTF-8, continuation lines fold.
private struct RawRequest {
    var method = ""
    var target = ""
    var headers: [SigningHeader] = []
    var body = ""

    init(_ text: String) throws {
        let parts = text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
        body = parts.count > 1 ? String(parts[1]) : ""
        var lines: [String] = []
        for line in parts[0].split(separator: "\n") {
            if line.hasPrefix(" ") || line.hasPrefix("\t") {
                lines[lines.count - 1] += String(line)
            } else {
                lines.append(String(line))
            }
        }
        let first = try #require(lines.first)
        let methodEnd = try #require(first.firstIndex(of: " "))
        let targetEnd = try #require(first.range(of: " HTTP/1.1")).lowerBound
        method = String(first[..<methodEnd])
        target = String(first[first.index(after: methodEnd)..<targetEnd])
        headers = try lines.dropFirst().map { line in
            let colon = try #require(line.firstIndex(of: ":"))
            return SigningHeader(String(line[..<colon]), String(line[line.index(after: colon)...]))
        }
    }
}
