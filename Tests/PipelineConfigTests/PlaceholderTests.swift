import PipelineConfig
import PipelineCore
import Testing

/// URLs that are no paths, and what a template or a shell should have replaced.
@Suite struct PlaceholderTests {
    @Test(arguments: [
        ("s3://bucket/out", "aws s3 cp"), ("S3://bucket/out", "aws s3 cp"), ("gs://bucket/x", "gcloud storage cp"),
        ("abfss://c@a.dfs.core.windows.net/x", "azcopy"), ("https://example.com/x.csv", "curl"),
        ("s3:/b/x", "aws s3 cp"),
        ("file:///srv/x", "write the path alone"), ("file:x.sqlite?mode=ro", "write the path alone"),
        ("sqlite:///x.sqlite", "write the file's path alone"), ("hdfs://n/x", "copy it here"),
        ("${BUCKET}/x", "aws s3 cp"),
    ])
    func remotePaths(_ path: String, _ hint: String) {
        let environment = ["BUCKET": "s3://bucket"]
        for yaml in [
            Fakes.pipeline(sinks: "[{type: sqlite, path: '\(path)'}]"),
            Fakes.pipeline(source: "{type: pinpoint, application_id: a, users: {type: file, path: '\(path)'}}"),
            Fakes.pipeline(more: "report: {json: '\(path)'}"), Fakes.pipeline(more: "state_directory: '\(path)'"),
        ] {
            let errors = Fakes.errors(yaml, environment)
            #expect(errors.contains("must be a path on this machine, not a URL") && errors.contains(hint), "\(errors)")
            #expect(!errors.contains("bucket"), "no value from outside")
            #expect(errors.split(separator: "\n").count == 1, "\(errors)")
        }
    }

    @Test(arguments: ["./s3:/x", "a:b", "out/s3://x", "C:", "2026-01-01T00:00:00/x", "x:y/z", "/s3://x"])
    func localPaths(_ path: String) {
        #expect(Fakes.errors(Fakes.pipeline(sinks: "[{type: sqlite, path: '\(path)'}]")) == "")
    }

    private static let dollar = "a '$NAME' that nothing replaces"
    private static let braces = "a '{{…}}' that nothing has replaced"
    private static let angles = "a '<…>' that nobody has filled in"

    @Test(arguments: [
        ("$DIR/out", dollar), ("out/$(date)", dollar), ("x$_y", dollar), ("{{ ds }}/out", braces),
        ("out/{{x}}", braces),
        ("<PATH>", angles), ("out/<date>/x", angles), ("${DIR}/x", dollar), ("${TEMPLATE}", braces),
        ("${BLANK}", angles),
    ])
    func leftInPathsAndIDs(_ text: String, _ words: String) {
        let environment = ["DIR": "$HOME/x", "TEMPLATE": "a{{b}}", "BLANK": "<your-app-id>"]
        for yaml in [
            Fakes.pipeline(sinks: "[{type: sqlite, path: '\(text)'}]"),
            Fakes.pipeline(source: "{type: pinpoint, application_id: a, users: {type: file, path: '\(text)'}}"),
            Fakes.pipeline(
                source: "{type: pinpoint, application_id: a, endpoint_url: '\(text)', users: {type: file, path: u.txt}}"
            ),
            Fakes.pipeline(more: "report: {json: '\(text)'}"),
        ] {
            let errors = Fakes.errors(yaml, environment)
            #expect(errors.contains(words), "\(errors)")
            #expect(!errors.contains("your-app-id") && !errors.contains("HOME"))
        }
    }

    @Test(arguments: ["a$1", "out/100$", "a{b}c", "a<b", "a>b<", "{{", "}}{{", "$${X}/y", "<>", "a$-b", "${PRICE}"])
    func whatIsNone(_ path: String) {
        #expect(Fakes.errors(Fakes.pipeline(sinks: "[{type: sqlite, path: '\(path)'}]"), ["PRICE": "5$"]) == "")
    }

    @Test(arguments: [
        // A password that comes from outside, or looks like a word behind a sign, is a password.
        ("postgresql://u:pa$word@h/d", ""), ("${URL}", ""), ("host=h password=a$bc dbname=d", "scheme"),
        ("postgresql://u:${PASSWORD}@h/d", ""),
        ("postgresql://u:$PGPASSWORD@h/d", dollar), ("postgresql://$USER:x@h/d", dollar),
        ("postgresql://u:x@h/$DB", dollar),
        ("postgresql://u:<password>@h/d", angles), ("postgresql://u:{{ pw }}@h/d", braces),
        ("postgresql://<host>/d", angles), ("host=$HOST://", dollar), ("${HOSTED}", dollar),
    ])
    func urls(_ url: String, _ words: String) {
        let environment = [
            "URL": "postgresql://u:a<b>{{c}}$D@h/d", "PASSWORD": "$x<y>", "HOSTED": "postgresql://u:p@$HOST/d",
        ]
        let errors = Fakes.errors(Fakes.pipeline(sinks: "[{type: ndjson, path: o, url: '\(url)'}]"), environment)
        #expect(words.isEmpty ? errors == "" : errors.contains(words), "\(errors)")
    }

    @Test func otherTextsHoldAnything() {
        let yaml = Fakes.pipeline(
            more: "transforms: [{type: filter, where: {Address: ['$NAME', '<x>', '{{y}}', 's3://b']}}]")
        #expect(Fakes.errors(yaml) == "")
    }

    @Test(
        arguments: [
            ("${KEY:-0123456789abcdef}", [:], 1), ("${KEY:-0123456789abcdef}", ["KEY": "fedcba9876543210"], 0),
            ("x${KEY:-0123456789abcdef}", [:], 1), ("${KEY:-0123456789abcdef}", ["KEY": ""], 1),
            ("${KEY}", ["KEY": "fedcba9876543210"], 0),
        ] as [(String, [String: String], Int)])
    func aKeyThatEverybodyCanRead(_ key: String, _ environment: [String: String], _ count: Int) throws {
        for part in [
            "transforms: [{type: mask, paths: [Address], key: '\(key)'}]", "x",
        ] {
            let own =
                "[{type: ndjson, path: o, url: '${DB:-x://y}', transforms: [{type: mask, paths: [Address], key: '\(key)'}]}]"
            let yaml = part == "x" ? Fakes.pipeline(sinks: own) : Fakes.pipeline(more: part)
            let warnings = try Fakes.load(yaml, environment).warnings
            #expect(warnings.count == count && warnings.allSatisfy { $0.severity == .warning && $0.place != nil })
            #expect(warnings.allSatisfy { $0.message.contains("'key' comes from the default") })
        }
    }
}
