import EndpointServer
import Foundation
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@Suite struct RequestPathTests {
    @Test(
        arguments: [
            ("/v1/apps/a/users/b", "b"), ("/v1/apps/a/users/a%2Fb", "a/b"), ("/v1/apps/a/users/a%252Fb", "a%2Fb"),
            ("/v1/apps/a/users/a%2f%2Fb", "a//b"), ("/v1/apps/a/users/%C3%BCn%C3%AF", "ünï"),
            ("/v1/apps/a/users/a+b", "a+b"), ("/v1/apps/a/users/%23%3A%3F%5C", "#:?\\"),
            ("/v1/apps/a/users/b?x=y/z", "b"),
            ("/v1/apps/a/users/%2E%2E", ".."), ("/v1/apps/a/users/...", "..."), ("/v1/apps/a/users/%00", "\0"),
        ])
    func isDecodedOnce(target: String, user: String) throws {
        let path = try RequestPath(target: target)
        #expect(path.application == Array("a".utf8))
        #expect(path.user == Array(user.utf8))
    }

    @Test(
        arguments: [
            "", "/", "/v1/apps/a/users/", "/v1/apps/a/users", "/v1/apps//users/b", "/v1/apps/a/users/b/",
            "//v1/apps/a/users/b",
            "/v1/apps/a/users/.", "/v1/apps/a/users/..", "/v1/apps/a/users/a/b", "/v1/apps/a/users/x/../b",
            "/v2/apps/a/users/b",
            "/V1/apps/a/users/b", "/v1%2Fapps/a/users/b", "v1/apps/a/users/b", "http://host/v1/apps/a/users/b", "*",
        ])
    func anotherPath(target: String) {
        #expect(throws: RequestPath.Fault.wrongPath) { try RequestPath(target: target) }
    }

    @Test(arguments: ["%", "%2", "a%zz", "%C3", "%ED%A0%80", "%C0%AF", "%F5%80%80%80", "a%2"])
    func badEncoding(segment: String) {
        #expect(throws: RequestPath.Fault.badEncoding) { try RequestPath(target: "/v1/apps/a/users/\(segment)") }
    }
}

@Suite(.timeLimit(.minutes(2))) struct RunningServerTests {
    @Test func servesWhatThePopulationHolds() async throws {
        let population = SyntheticPopulation(users: 40, seed: 11)
        let server = try await EndpointServer.start(EndpointServer.Configuration(population: population))
        for id in population.ids {
            let url = try #require(URL(string: "\(server.url)/v1/apps/shop/users/\(id)"))
            let (data, response) = try await URLSession.shared.data(from: url)
            let status = (response as? HTTPURLResponse)?.statusCode
            guard case .found = population.status(of: id) else {
                #expect(status == 404)
                continue
            }
            #expect(status == 200)
            let text = String(decoding: data, as: UTF8.self)
            for endpoint in population.endpoints(of: id, applicationID: "shop") {
                #expect(text.contains(String(decoding: endpoint, as: UTF8.self)))
            }
        }
        let statistics = server.statistics
        #expect(statistics.requests == 40)
        #expect(statistics.found + statistics.absent == 40)
        let port = server.port
        await server.stop()
        await server.stop()
        var configuration = EndpointServer.Configuration(population: population)
        configuration.port = port
        // The port is free again at once.
        let second = try await EndpointServer.start(configuration)
        #expect(second.port == port)
        await #expect(throws: (any Error).self) { _ = try await EndpointServer.start(configuration) }
        await second.stop()
    }

    @Test func secretsArentPrinted() {
        let requirement = EndpointServer.SignatureRequirement(
            accessKeyID: "AKID", secretAccessKey: "hush", sessionToken: "too")
        var dumped = ""
        dump(requirement, to: &dumped)
        for text in ["\(requirement)", String(reflecting: requirement), dumped] {
            #expect(!text.contains("hush") && !text.contains("too"))
        }
    }
}
