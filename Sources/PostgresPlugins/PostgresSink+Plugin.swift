public import PipelineCore

extension PostgresSink: Plugin {
    public static let kind = PluginKind.sink
    public static let typeName = "postgres"
    public static let summary = "Rows in a PostgreSQL database, by COPY, one transaction for each batch."
    public static let schema = OptionSchema(
        [
            OptionField(
                "url", .secret, .optional, isAddress: true,
                "postgresql://user:password@host:5432/database, or libpq's keywords in one text. Without it and the keywords "
                    + "below, PG* variables, a service file and ~/.pgpass say where and who."
            ).like(ConnectionParameters.expression)
        ]
            + keywords.map { keyword in
                OptionField(
                    keyword.name, keyword.type, .optional, isAddress: keyword.name != "application_name",
                    keyword.summary)
            } + [
                OptionField("password", .secret, .optional, "Better kept in ~/.pgpass or PGPASSWORD."),
                OptionField(
                    "schema", .pattern(schemaName), .defaulted("public"), shapesOutput: true,
                    "Where the tables are; made where it is missing."),
                OptionField(
                    "mode", .enumeration(WriteMode.allCases.map(\.rawValue)), .defaulted(WriteMode.merge.rawValue),
                    shapesOutput: true,
                    "merge: the newest state; append: each run's rows beside the others'; replace: exactly the last run."
                ),
                OptionField(
                    "outage", .duration(.zero ... .seconds(86_400)), .defaulted("5m"),
                    "How long a server that goes away is waited for, in the middle of a run."),
            ],
        rules: (keywords.map(\.name) + ["password"]).map { keyword in
            OptionRule(
                .missing(keyword), where: [.given("url")],
                "can't stand beside 'url': write it into the URL, or spell all of it in options")
        } + [
            OptionRule(
                .missing("dbname"), where: [.isLike("dbname", connectionText)],
                "must be the name of a database; a URL or a string of keywords belongs in 'url'")
        ])

    /// What libpq would take for more than a database's name.
    private static let connectionText = TextPattern(expression: "=|://", summary: "a URL or keywords") {
        $0.contains("=") || $0.contains("://")
    }

    /// libpq's keywords that have an option of their own; a URL takes all of them.
    private static let keywords: [(name: String, type: OptionType, summary: String)] = [
        ("host", .text, "A name, an address, the folder of a socket; several with commas between them."),
        ("port", .integer(1...65_535), "5432 where nothing is said."),
        ("dbname", .text, "The database's name."),
        ("user", .text, "The role."),
        (
            "sslmode", .enumeration(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
            "Whether the connection is encrypted, and the server's certificate verified."
        ),
        ("sslrootcert", .path(allowsDash: false), "The certificates of authorities that sign the server's."),
        ("sslcert", .path(allowsDash: false), "The client's certificate."),
        ("sslkey", .path(allowsDash: false), "The client's private key."),
        ("service", .text, "A section of pg_service.conf."),
        ("passfile", .path(allowsDash: false), "In place of ~/.pgpass."),
        ("connect_timeout", .integer(1...3600), "Seconds, for each host; 10 where nothing is said."),
        ("application_name", .text, "What pg_stat_activity shows; sluice where nothing is said."),
    ]

    /// Names of up to 63 bytes, as the server keeps them whole; its own are those that begin with pg_, and information_schema.
    private static let schemaName = TextPattern(
        expression: "^(?!pg_|information_schema$).{1,63}$",
        summary: "a name of up to 63 bytes that doesn't begin with pg_ and isn't information_schema",
        accepts: {
            (1...63).contains($0.utf8.count) && !$0.hasPrefix("pg_") && $0 != "information_schema"
                && !$0.utf8.contains(0)
        })

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        try schema.requireRules(options)
        guard let mode = WriteMode(rawValue: options.text("mode") ?? WriteMode.merge.rawValue) else {
            throw OptionError("mode", "isn't a mode of this sink")
        }
        let url = options.secret("url")
        let password = options.secret("password")
        let given = keywords.compactMap { keyword -> (name: String, value: String)? in
            let name = keyword.name
            let value =
                options.text(name) ?? options.path(name)?.resolved ?? options.integer(name).map { String($0) }
            return value.map { (name, $0) }
        }
        do {
            return PostgresSink(
                name: context.name,
                parameters: try ConnectionParameters(url: url, keywords: given, password: password),
                schema: options.text("schema") ?? "public", mode: mode,
                outage: options.duration("outage") ?? .seconds(300), warn: context.warn)
        } catch let malformed as ConnectionParameters.Malformed {
            throw OptionError("url", malformed.reason)
        }
    }
}
