import AWSClient
import AWSSigning
import Foundation
import Testing

/// The SDKs' common cases for the shared files.
extension Conformance {
    @Test("Shared files: grammar and merging")
    func profileFiles() throws {
        let document = try ConformanceFolder.json("credentials/profile-parser-tests.json")
        let cases = try #require(document["tests"] as? [[String: Any]])
        for vector in cases {
            let name = try #require(vector["name"] as? String)
            let input = try #require(vector["input"] as? [String: String])
            let output = try #require(vector["output"] as? [String: Any])
            Self.expectKnown(vector, ["name", "input", "output"], name)
            Self.expectKnown(input, ["configFile", "credentialsFile"], name)
            Self.expectKnown(output, ["config", "errorContaining"], name)
            let settings = ClientSettings(
                environment: ["HOME": "/h"],
                files: .folder([
                    "/h/.aws/config": input["configFile"], "/h/.aws/credentials": input["credentialsFile"],
                ]))
            if let words = output["errorContaining"] as? String {
                #expect(settings.fault?.contains(words) == true, "\(name): \(settings.fault ?? "no error")")
                continue
            }
            let expected = try #require(output["config"] as? [String: Any])
            Self.expectKnown(expected, ["profiles", "sso_sessions"], name)
            #expect(settings.fault == nil, "\(name)")
            let profiles = try #require(expected["profiles"] as? [String: [String: String]], "\(name)")
            // botocore reads profiles of other names as well, and so do we; the common cases leave them out.
            let common = settings.shared.profiles.filter { SharedFileSections.isName($0.key) }
            #expect(common == profiles, "\(name)")
            if let sessions = expected["sso_sessions"] as? [String: [String: String]] {
                #expect(settings.shared.ssoSessions == sessions, "\(name)")
            }
        }
        Self.report(cases.count, "credentials/profile-parser-tests.json")
    }

    @Test("Shared files: where they are")
    func fileLocations() throws {
        let document = try ConformanceFolder.json("credentials/file-location-tests.json")
        let cases = try #require(document["tests"] as? [[String: Any]])
        var count = 0
        for vector in cases {
            let name = vector["name"] as? String ?? ""
            Self.expectKnown(
                vector, ["name", "environment", "platform", "profile", "configLocation", "credentialsLocation"], name)
            switch vector["platform"] as? String {
            case "linux": count += 1
            // There is no Windows that this program runs on.
            case "windows": continue
            case let platform: Issue.record("\(name): the platform \(platform ?? "") is unknown to this suite")
            }
            let environment = try #require(vector["environment"] as? [String: String])
            #expect(ClientSettings.configPath(environment) == vector["configLocation"] as? String)
            #expect(ClientSettings.credentialsPath(environment) == vector["credentialsLocation"] as? String)
            let settings = ClientSettings(environment: environment, files: .folder([:]))
            #expect(settings.profile == vector["profile"] as? String ?? "default")
        }
        Self.report(count, "credentials/file-location-tests.json; the other \(cases.count - count) are of Windows")
    }

    @Test("Profiles: from a role to its base")
    func profilePlans() throws {
        let cases = try #require(ConformanceFolder.list("credentials/assume-role-tests.json") as? [[String: Any]])
        for vector in cases {
            let docs = try #require(vector["docs"] as? String)
            let input = try #require(vector["input"] as? [String: Any])
            let output = try #require(vector["output"] as? [String: Any])
            Self.expectKnown(vector, ["docs", "input", "output"], docs)
            Self.expectKnown(input, ["profiles", "sso_sessions", "selected_profile"], docs)
            Self.expectKnown(output, ["Error", "ProfileChain"], docs)
            let files = try SharedFiles(
                profiles: #require(input["profiles"] as? [String: [String: String]]),
                ssoSessions: input["sso_sessions"] as? [String: [String: String]] ?? [:])
            let profile = try #require(input["selected_profile"] as? String)
            let result: Result<ProfilePlan, ProfileFault>
            do throws(ProfileFault) {
                result = .success(try ProfilePlan(profile: profile, in: files))
            } catch {
                result = .failure(error)
            }
            if let words = output["Error"] as? String {
                guard case .failure(let fault) = result else {
                    Issue.record("\(docs): an error was expected")
                    continue
                }
                #expect(Self.kind(of: fault) == Self.kind(ofError: words), "\(docs): \(fault)")
            } else {
                let chain = try #require(output["ProfileChain"] as? [[String: Any]]).map(Self.withoutAccount)
                #expect(try Self.chain(of: result.get()) == NSArray(array: chain), "\(docs)")
            }
        }
        Self.report(cases.count, "credentials/assume-role-tests.json")
    }

    private static func kind(of fault: ProfileFault) -> String {
        switch fault {
        case .unknownProfile(let name, let from?): "unknown source \(name) of \(from)"
        case .unknownProfile(_, nil): "unknown profile"
        case .noCredentials(let name): "nothing in \(name)"
        case .missingProperty(let property, _): "missing \(property)"
        case .loop: "loop"
        case .roleWithoutSource: "missing source_profile"
        case .regionOutsideSession: "sso_region"
        default: "\(fault)"
        }
    }

    private static func kind(ofError words: String) -> String {
        switch words {
        case "could not find source profile B referenced from A": "unknown source B of A"
        case "No profiles were defined": "unknown profile"
        case "profile `B` did not contain credential information": "nothing in B"
        case "profile missing aws_secret_access_key": "missing aws_secret_access_key"
        case "profile missing aws_access_key_id": "missing aws_access_key_id"
        case "`role_arn` was missing": "missing role_arn"
        case "profile formed an infinite loop": "loop"
        case "profile must contain `source_profile`": "missing source_profile"
        case "if `sso_account_id` is set, then `sso_role_name` must also be set": "missing sso_role_name"
        case let text where text.hasPrefix("`sso_region` can only be specified"): "sso_region"
        default: words
        }
    }

    /// The account of a key isn't kept: no call needs it.
    private static func withoutAccount(_ step: [String: Any]) -> [String: Any] {
        step.mapValues { value in
            guard var properties = value as? [String: String] else { return value }
            properties["account_id"] = nil
            return properties
        }
    }

    /// A plan in the form in which the cases tell it.
    private static func chain(of plan: ProfilePlan) -> NSArray {
        func step(_ name: String, _ values: [String: String?]) -> [String: Any] {
            [name: values.compactMapValues { $0 }]
        }
        var steps: [[String: Any]] = []
        switch plan.base {
        case .accessKey(let key):
            steps.append(
                step("AccessKey", ["access_key_id": key.accessKeyID, "secret_access_key": key.secretAccessKey]))
        case .named(let source): steps.append(["NamedSource": source.rawValue])
        case .webIdentity(let role):
            steps.append(
                step(
                    "WebIdentityToken",
                    [
                        "role_arn": role.roleARN, "web_identity_token_file": role.tokenFile,
                        "role_session_name": role.sessionName,
                    ]))
        case .sso(let access):
            steps.append(
                step(
                    "Sso",
                    [
                        "sso_session": access.session, "sso_region": access.region, "sso_start_url": access.startURL,
                        "sso_account_id": access.role?.accountID, "sso_role_name": access.role?.name,
                    ]))
        case .process(let command): steps.append(["Process": command])
        }
        for role in plan.roles {
            steps.append(
                step("AssumeRole", ["role_arn": role.roleARN, "role_session_name": role.sessionName]))
        }
        return NSArray(array: steps)
    }
}
