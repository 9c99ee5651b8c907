internal import AWSClient
public import Logging
public import PipelineCore

/// The source `pinpoint`: `GetUserEndpoints` for each ID that a user reader yields.
public struct PinpointSource: Plugin {
    public static let kind = PluginKind.source
    public static let typeName = "pinpoint"
    public static let summary = "the endpoints of users, asked for one by one over the API"

    public static let schema = OptionSchema([
        OptionField(
            "application_id", .pattern(applicationIDPattern), .required, shapesOutput: true,
            "the Pinpoint application (project) that the users belong to"),
        OptionField(
            "region", .pattern(regionPattern), .optional,
            "the AWS region; else AWS_REGION, AWS_DEFAULT_REGION, the profile's, the EC2 instance's"),
        OptionField(
            "endpoint_url", .text, .optional, isAddress: true,
            "a compatible server; else AWS_ENDPOINT_URL_PINPOINT, AWS_ENDPOINT_URL, the profile's, Pinpoint in the region"
        ).like(#"^[hH][tT][tT][pP][sS]?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!-"$->@-~]*)?$"#),
        OptionField(
            "profile", .pattern(profilePattern), .optional,
            "an AWS profile whose credentials win over the environment's; else AWS_PROFILE, default"),
        OptionField("users", .plugin(.userReader), .required, "where the user IDs come from"),
        OptionField(
            "rate_limit", .object(rateLimitSchema), .defaulted("{}"), "how many requests may go out"),
        OptionField(
            "concurrency", .integer(1...4096), .defaulted("64"), "calls that run at once, each on its own connection"),
        OptionField("retry", .object(retrySchema), .defaulted("{}"), "how long a call is repeated"),
        OptionField("timeout", .object(timeoutSchema), .defaulted("{}"), "how long one attempt may take"),
    ])

    private static let rateLimitSchema = OptionSchema([
        OptionField(
            "requests_per_second", .number(0.1...100_000), .defaulted("300"),
            "requests per second at most; Pinpoint allows 300 for an account and region"),
        OptionField(
            "burst", .number(1...100_000), .defaulted("30"), "requests that idle time may save up"),
        OptionField(
            "adaptive", .boolean, .defaulted("true"), "find the service's own limit where it is lower"),
    ])

    private static let retrySchema = OptionSchema([
        OptionField(
            "max_attempts", .integer(1...100), .defaulted("8"),
            "attempts for a user, throttled ones not counted, before it fails"),
        OptionField(
            "max_delay", .duration(.milliseconds(10)...(.seconds(600))), .defaulted("20s"),
            "the longest pause between two attempts"),
        OptionField(
            "deadline", .duration(.seconds(1)...(.seconds(86_400))), .defaulted("2m"),
            "time for one user from its first attempt, waits for rate and outages not counted"),
        OptionField(
            "outage", .duration(.seconds(1)...(.seconds(604_800))), .defaulted("15m"),
            "how long the service may be away before the run stops"),
    ])

    private static let timeoutSchema = OptionSchema([
        OptionField(
            "connect", .duration(.milliseconds(10)...(.seconds(300))), .defaulted("3s"), "for a connection"),
        OptionField(
            "request", .duration(.milliseconds(10)...(.seconds(600))), .defaulted("10s"),
            "for one attempt, to the last byte of its answer"),
    ])

    private static let applicationIDPattern = TextPattern(
        expression: "^(?!\\.{1,2}$)[^\\x00-\\x1f]+$", summary: "an application ID, not empty, '.' or '..'",
        accepts: { text in !["", ".", ".."].contains(text) && !text.utf8.contains { $0 < 0x20 } })

    private static let profilePattern = TextPattern(
        expression: "^[^\\x00-\\x1f\\[\\]]+$", summary: "a profile's name, as it stands in ~/.aws/config",
        accepts: { text in !text.isEmpty && !text.utf8.contains { $0 < 0x20 } && !text.contains { "[]".contains($0) } })

    private static let regionPattern = TextPattern(
        expression: "^[a-z0-9-]+$", summary: "a region such as eu-central-1",
        accepts: { text in
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                }
        })

    /// The plugin with a log for its calls.
    ///
    /// - Parameters:
    ///   - logsUserIDs: Debug messages hold plain user IDs; otherwise they are hashed.
    ///   - asksInstance: Where nothing else names a region, the EC2 instance is asked for its own. That takes the network,
    ///     and elsewhere a second or more; without it, the missing region is a warning as long as an instance could tell.
    public static func factory(
        logger: Logger, logsUserIDs: Bool = false, asksInstance: Bool = false
    ) -> PluginFactory {
        PluginFactory(Self.self) { options, context in
            try make(options, context, logger: logger, logsUserIDs: logsUserIDs, asksInstance: asksInstance)
        }
    }

    /// Without a log.
    public static func make(_ options: Options, _ context: PluginContext) throws -> SourcePlan {
        let silent = Logger(label: "sluice.pinpoint") { _ in SwiftLogNoOpLogHandler() }
        return try make(options, context, logger: silent, logsUserIDs: false, asksInstance: false)
    }

    /// Needs no credentials, and the network for the instance's region alone; both are first used by the first lookup.
    private static func make(
        _ options: Options, _ context: PluginContext, logger: Logger, logsUserIDs: Bool, asksInstance: Bool
    ) throws -> SourcePlan {
        guard let applicationID = options.text("application_id") else {
            throw OptionError("application_id", "is missing")
        }
        guard let reader = options.plugin("users", as: (any UserReader).self) else {
            throw OptionError("users", "is not a user reader")
        }
        let concurrency = options.integer("concurrency") ?? 64
        let settings = ClientSettings(environment: context.environment, profile: options.text("profile"))
        let place = try resolve(
            options, context, settings, region: options.text("region"), asksInstance: asksInstance)
        var configuration = serviceConfiguration(options, context, place: place, concurrency: concurrency)
        do throws(ConnectionSettings.Malformed) {
            configuration.connections = try ConnectionSettings(settings)
        } catch {
            throw OptionError("endpoint_url", "it can't be connected to: \(error.message)")
        }
        let credentials = CredentialProvider.chain(
            settings: settings, region: place.region, connections: configuration.connections,
            userAgent: configuration.userAgent, outage: configuration.retry.outage, warn: { logger.warning("\($0)") })
        let client = ServiceClient(configuration: configuration, credentials: credentials, logger: logger)
        let lookup = GetUserEndpoints(
            applicationID: applicationID, client: client,
            logsUserIDs: logsUserIDs)
        return .lookup(reader: reader, lookup: lookup, concurrency: concurrency)
    }

    private static func resolve(
        _ options: Options, _ context: PluginContext, _ settings: ClientSettings, region: String?, asksInstance: Bool
    ) throws -> EndpointResolution {
        do throws(EndpointResolution.Failure) {
            let place = try EndpointResolution(
                .pinpoint, region: region, endpointURL: options.text("endpoint_url"), settings: settings
            ) { settings throws(CredentialError) in
                asksInstance ? try InstanceRegion.find(settings, userAgent: userAgent(context)) : nil
            }
            if let notice = place.notice { context.warn(notice) }
            return place
        } catch {
            switch error {
            case .missingRegion where !asksInstance && InstanceRegion.mayBeAsked(settings):
                context.warn(
                    "no region is given: a run asks the EC2 instance that it is on for its own, and elsewhere ends with 78"
                )
                // Any region will do: nothing is asked for.
                return try resolve(options, context, settings, region: "us-east-1", asksInstance: false)
            case .missingRegion:
                throw OptionError(
                    "region",
                    "no region is given: set region, AWS_REGION or AWS_DEFAULT_REGION, or a profile's region, or name "
                        + "a server in endpoint_url")
            case .malformedRegion, .instanceFailed: throw OptionError("region", error.words)
            case .malformedEndpoint(let place, let message):
                throw OptionError(
                    "endpoint_url", "\(place == "endpoint_url" ? "it" : place) isn't a server's URL: \(message)")
            case .variantOfOwnEndpoint(let place, let variant):
                throw OptionError(
                    "endpoint_url",
                    "\(place == "endpoint_url" ? "it" : place) names a server, which has no \(variant) variant: unset "
                        + "\(variant == "FIPS" ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT")")
            case .malformedFile(let fault): throw OptionError("profile", fault)
            }
        }
    }

    private static func userAgent(_ context: PluginContext) -> String { "sluice/\(context.version)" }

    private static func serviceConfiguration(
        _ options: Options, _ context: PluginContext, place: EndpointResolution, concurrency: Int
    ) -> ServiceConfiguration {
        let rate = options.options("rate_limit") ?? Options([:])
        let retry = options.options("retry") ?? Options([:])
        let timeout = options.options("timeout") ?? Options([:])
        func seconds(_ options: Options, _ key: String, _ standard: Double) -> Double {
            options.duration(key).map { $0 / .seconds(1) } ?? standard
        }
        // Shards share what the service allows.
        let part = 1 / Double(max(1, context.shards))
        return ServiceConfiguration(
            signingName: GetUserEndpoints.signingName, region: place.region, endpoint: place.endpoint,
            requestsPerSecond: (rate.number("requests_per_second") ?? 300) * part,
            burst: max(1, (rate.number("burst") ?? 30) * part),
            adaptsRate: rate.boolean("adaptive") ?? true, concurrency: concurrency,
            retry: RetryPolicy(
                maxAttempts: retry.integer("max_attempts") ?? 8, maxDelay: seconds(retry, "max_delay", 20),
                deadline: seconds(retry, "deadline", 120), outage: seconds(retry, "outage", 900)),
            connectTimeout: seconds(timeout, "connect", 3), requestTimeout: seconds(timeout, "request", 10),
            userAgent: userAgent(context))
    }
}
