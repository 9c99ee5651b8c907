import AWSSigning
import Foundation
import Testing

/// Published vectors of other projects. Skipped, visibly, where their folder isn't there.
@Suite("Conformance", .enabled(if: ConformanceFolder.url != nil, "no conformance vectors; set SLUICE_CONFORMANCE"))
struct Conformance {
    @Test("aws-c-auth's SigV4 suite, header form")
    func sigv4() throws {
        let cases = ConformanceFolder.folders(in: "sigv4")
        for name in cases {
            let context = try ConformanceFolder.json("sigv4/\(name)/context.json")
            let request = try RawRequest(ConformanceFolder.text("sigv4/\(name)/request.txt"))
            let credentials = try #require(context["credentials"] as? [String: String])
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
            #expect(signature.date == time.text)
            try verify(signature, request: request, headers: headers, hash: hash, credentials: key, signer: signer)
        }
        print("Conformance: \(cases.count) cases of sigv4")
        #expect(!cases.isEmpty)
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

    @Test("GetUserEndpoints as botocore signs it")
    func pinpointSigV4() throws {
        guard ConformanceFolder.exists("pinpoint-sigv4.json") else { return }
        let cases = try #require(ConformanceFolder.json("pinpoint-sigv4.json")["cases"] as? [[String: Any]])
        for vector in cases {
            func text(_ key: String) throws -> String { try #require(vector[key] as? String) }
            let credentials = try SigningCredentials(
                accessKeyID: text("accessKeyId"), secretAccessKey: text("secretAccessKey"),
                sessionToken: vector["sessionToken"] as? String)
            let signer = try RequestSigner(region: text("region"), service: text("service"))
            let url = try text("url")
            let rest = try #require(url.range(of: "://")).upperBound
            let slash = try #require(url[rest...].firstIndex(of: "/"))
            let target =
                try "/v1/apps/\(URIEncoding.encode(text("applicationId")))/users/\(URIEncoding.encode(text("userId")))"
            #expect(String(url[slash...]) == target)
            let headers = [SigningHeader("Host", String(url[rest..<slash]))]
            let time = try #require(SigningTime(text("timestamp")))
            let canonical = try signer.canonicalRequest(
                method: text("method"), target: target, headers: headers, date: time.text,
                sessionToken: credentials.sessionToken)
            #expect(try canonical.text == text("canonicalRequest"))
            let signature = try signer.sign(
                method: text("method"), target: target, headers: headers, credentials: credentials, at: time)
            #expect(try signature.authorization == text("authorization"))
        }
        print("Conformance: \(cases.count) cases of pinpoint-sigv4.json")
        #expect(!cases.isEmpty)
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
