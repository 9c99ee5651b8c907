import AWSClient
import AWSSigning
import Foundation
import Logging
import Pinpoint
import PipelineCore
import Testing

/// GetUserEndpoints as botocore sends it, for user IDs that test the path.
extension Conformance {
    /// One request that botocore signed.
    private struct PinpointCase {
        let applicationID: String
        let userID: String
        let region: String
        let service: String
        let credentials: SigningCredentials
        let time: SigningTime
        let method: String
        /// From the scheme to the host.
        let origin: String
        let target: String
        let canonicalRequest: String
        let stringToSign: String
        let authorization: String

        init(_ vector: [String: Any]) throws {
            Conformance.expectKnown(
                vector,
                [
                    "applicationId", "userId", "region", "service", "accessKeyId", "secretAccessKey", "sessionToken",
                    "timestamp", "method", "url", "canonicalRequest", "stringToSign", "authorization",
                ], "pinpoint-sigv4.json")
            func text(_ key: String) throws -> String {
                try #require(vector[key] as? String, "a case of pinpoint-sigv4.json lacks '\(key)'")
            }
            applicationID = try text("applicationId")
            userID = try text("userId")
            region = try text("region")
            service = try text("service")
            credentials = try SigningCredentials(
                accessKeyID: text("accessKeyId"), secretAccessKey: text("secretAccessKey"),
                sessionToken: vector["sessionToken"] as? String)
            time = try #require(SigningTime(text("timestamp")))
            method = try text("method")
            let url = try text("url")
            let host = try #require(url.range(of: "://")).upperBound
            let slash = try #require(url[host...].firstIndex(of: "/"))
            origin = String(url[..<slash])
            target = String(url[slash...])
            canonicalRequest = try text("canonicalRequest")
            stringToSign = try text("stringToSign")
            authorization = try text("authorization")
        }

        var label: String { "\(userID) in \(region)\(credentials.sessionToken == nil ? "" : ", with a token")" }
    }

    private static func pinpointCases() throws -> [PinpointCase] {
        let document = try ConformanceFolder.json("pinpoint-sigv4.json")
        expectKnown(document, ["source", "cases"], "pinpoint-sigv4.json")
        return try #require(document["cases"] as? [[String: Any]]).map(PinpointCase.init)
    }

    @Test("GetUserEndpoints as botocore signs it")
    func pinpointSigV4() throws {
        let cases = try Self.pinpointCases()
        for vector in cases {
            let place = try EndpointResolution(
                .pinpoint, region: vector.region, endpointURL: nil,
                settings: ClientSettings(environment: [:], files: .folder([:])))
            #expect("\(place.endpoint.scheme)://\(place.endpoint.authority)" == vector.origin, "\(vector.label)")
            #expect(place.region == vector.region)
            #expect(GetUserEndpoints.signingName == vector.service)
            let signer = RequestSigner(region: place.region, service: GetUserEndpoints.signingName)
            let headers = [SigningHeader("Host", place.endpoint.authority)]
            let target =
                place.endpoint.pathPrefix
                + "/v1/apps/\(PathSegment.encode(vector.applicationID))/users/\(PathSegment.encode(vector.userID))"
            #expect(target == vector.target, "\(vector.label)")
            let canonical = signer.canonicalRequest(
                method: vector.method, target: target, headers: headers, date: vector.time.text,
                sessionToken: vector.credentials.sessionToken)
            #expect(canonical.text == vector.canonicalRequest, "\(vector.label)")
            let scope = CredentialScope(day: vector.time.day, region: signer.region, service: signer.service)
            let toSign = String(decoding: canonical.stringToSign(at: vector.time, scope: scope), as: UTF8.self)
            #expect(toSign == vector.stringToSign, "\(vector.label)")
            let signature = signer.sign(
                method: vector.method, target: target, headers: headers, credentials: vector.credentials,
                at: vector.time)
            #expect(signature.authorization == vector.authorization, "\(vector.label)")
        }
        Self.report(cases.count, "pinpoint-sigv4.json, signed")
    }

    /// The same users, asked for over a connection: what arrives has botocore's path, byte for byte, and a signature
    /// that holds for exactly that path.
    @Test("GetUserEndpoints as it goes over the wire", .timeLimit(.minutes(2)))
    func pinpointOverTheWire() async throws {
        let cases = try Self.pinpointCases()
        let server = try await ScriptedServer { _, _ in .answer(200, body: #"{"Item":[]}"#) }
        var sent = 0
        for vector in cases {
            let client = ServiceClient(
                configuration: ServiceConfiguration(
                    signingName: GetUserEndpoints.signingName, region: vector.region,
                    endpoint: try Endpoint(server.url), concurrency: 1, userAgent: "sluice/test"),
                credentials: .fixed(vector.credentials), logger: Logger(label: "test"))
            let lookup = GetUserEndpoints(applicationID: vector.applicationID, client: client)
            let result: Result<Outcome, any Error>
            do {
                result = .success(try await lookup.lookUp(vector.userID, call: LookupCall()))
            } catch {
                result = .failure(error)
            }
            await lookup.shutdown()
            switch try result.get() {
            case .found(let endpoints):
                #expect(endpoints.count == 0, "\(vector.label)")
                #expect(![".", ".."].contains(vector.userID), "\(vector.label) was sent")
            case .absent: Issue.record("\(vector.label): absent")
            case .failed(let failure):
                // botocore signs and sends what addresses another resource; we don't.
                #expect([".", ".."].contains(vector.userID), "\(vector.label): \(failure.message)")
                #expect(failure.attempts == 0)
                #expect(server.seen.count == sent, "\(vector.label) was sent")
                continue
            }
            sent += 1
            let request = try #require(server.seen.last)
            #expect(server.seen.count == sent)
            #expect(request.method == vector.method, "\(vector.label)")
            #expect(request.target == vector.target, "\(vector.label)")
            #expect(request.header("x-amz-security-token") == vector.credentials.sessionToken, "\(vector.label)")
            let header = try AuthorizationHeader(parsing: #require(request.header("authorization")))
            let time = try #require(SigningTime(request.header("x-amz-date") ?? ""))
            let expected = SignatureVerification.expectedSignature(
                of: header, method: request.method, target: vector.target,
                headers: request.headers.map { SigningHeader($0.name, $0.value) }, credentials: vector.credentials,
                at: time, keys: SigningKeyCache())
            #expect(header.signature == expected.signature, "\(vector.label)")
        }
        await server.close()
        Self.report(cases.count, "pinpoint-sigv4.json, over the wire")
    }
}
