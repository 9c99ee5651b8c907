import Foundation
import PipelineConfig
import PipelineCore
import Testing

/// Another program, Python's `jsonschema`, judges by the schema what the decoder judges by itself.
@Suite(.enabled(if: PythonSchemaJudge.isAvailable)) struct JSONSchemaTests {
    static let source = #"{"type": "pinpoint", "application_id": "a", "users": {"type": "file", "path": "u.txt"}}"#
    static let sink = #"{"type": "sqlite", "path": "o.sqlite"}"#

    static func document(source: String = source, sinks: String = "[\(sink)]", more: String = "") -> String {
        "{\"pipeline\": \"p\", \"source\": \(source), \"sinks\": \(sinks)\(more.isEmpty ? "" : ", " + more)}"
    }

    static func users(_ users: String) -> String {
        document(source: "{\"type\": \"pinpoint\", \"application_id\": \"a\", \"users\": \(users)}")
    }

    static let good: [String] = [
        document(),
        document(
            more: #""batch_size": 1, "on_changed_input": "restart", "state_directory": "/var/s", "transforms": []"#),
        document(more: #""batch_size": "${SIZE:-7}""#),
        document(
            more: #""limits": {"max_failed": "0.5%", "accept_failed": 3, "max_absent": "100%", "min_records": 0}"#),
        document(more: #""limits": {}, "flatten": {}"#),
        document(more: #""flatten": {"layout": "normalized"}"#),
        document(more: #""flatten": {"layout": "document", "columns": []}"#),
        document(
            more: #""flatten": {"columns": [{"name": "_a1", "from": ["A", "b.c"], "as": "joined", "separator": ""}]}"#),
        document(
            more:
                #""transforms": [{"type": "filter", "where": {"A": ["b", 1, true]}}, {"type": "mask", "paths": ["a.b", ["a", "*"]]}]"#
        ),
        document(more: #""transforms": [{"type": "mask", "paths": [], "key": "0123456789abcdef"}]"#),
        document(sinks: #"[{"type": "ndjson", "path": "o", "name": "n-1", "max_file_size": "1GB", "transforms": []}]"#),
        document(sinks: "[\(sink), {\"type\": \"ndjson\", \"path\": \"o\", \"level\": 9}]"),
        document(sinks: #"[{"type": "${T:-sqlite}", "path": "o"}]"#),
        users(#"{"type": "file", "path": "-"}"#),
        users(#"{"type": "file", "path": "./~x", "format": "csv", "column": 1, "header": false}"#),
        users(#"{"type": "file", "path": "${P:-x}", "header": "${H:-true}", "column": ["User", "UserId"]}"#),
        document(
            source:
                #"{"type": "pinpoint", "application_id": 123, "users": {"type": "file", "path": "u"}, "rate_limit": {"requests_per_second": 0.5}, "retry": {"max_delay": "20s"}}"#
        ),
    ]

    static let bad: [String] = [
        "[]", "{}", "1", #"{"pipeline": "p"}"#,
        document(more: #""bach": 1"#),
        document(more: #""batch_size": 0"#), document(more: #""batch_size": 10001"#),
        document(more: #""batch_size": "500""#), document(more: #""batch_size": null"#),
        document(more: #""batch_size": [1]"#), document(more: #""batch_size": true"#),
        document(more: #""on_changed_input": "ignore""#), document(more: #""state_directory": """#),
        document(more: #""state_directory": "-""#), document(more: #""state_directory": "~/s""#),
        document(more: #""limits": {"max_failed": "101%"}"#), document(more: #""limits": {"max_failed": -1}"#),
        document(more: #""limits": {"max_failed": "5"}"#), document(more: #""limits": {"max_failed": 0.5}"#),
        document(more: #""limits": {"maximum": 1}"#), document(more: #""limits": []"#),
        document(more: #""flatten": {"layout": "documents"}"#),
        document(more: #""flatten": {"columns": [{"name": "1a", "from": "A", "as": "json"}]}"#),
        document(more: #""flatten": {"columns": [{"name": "a", "from": "A"}]}"#),
        document(more: #""flatten": {"columns": {"a": "A"}}"#),
        document(more: #""transforms": {}"#), document(more: #""transforms": [{"type": "filter"}]"#),
        document(more: #""transforms": [{"type": "sqlite", "path": "o"}]"#),
        document(more: #""transforms": [{"type": "filter", "where": {"A": "b"}}]"#),
        document(more: #""transforms": [{"type": "filter", "where": {"A": [null]}}]"#),
        document(more: #""transforms": [{"type": "mask", "paths": ["a..b"]}]"#),
        document(more: #""transforms": [{"type": "mask", "paths": [[]]}]"#),
        document(more: #""transforms": [{"type": "mask", "paths": ["a"], "key": ""}]"#),
        document(sinks: "[]"), document(sinks: "{}"), document(sinks: "[1]"), document(sinks: "[{}]"),
        document(sinks: #"[{"type": "kafka", "path": "o"}]"#), document(sinks: #"[{"type": "sqlite"}]"#),
        document(sinks: #"[{"type": "sqlite", "path": "o", "level": 3}]"#),
        document(sinks: #"[{"type": "sqlite", "path": "o", "name": "A b"}]"#),
        document(sinks: #"[{"type": "ndjson", "path": "o", "max_file_size": "64"}]"#),
        document(sinks: #"[{"type": "ndjson", "path": "o", "max_file_size": 64}]"#),
        document(sinks: #"[{"type": "ndjson", "path": "o", "level": 10}]"#),
        document(source: "[]"), document(source: #"{"type": "archive"}"#),
        users(#"{"type": "file"}"#), users(#"{"path": "u"}"#),
        users(#"{"type": "file", "path": "u", "header": "yes"}"#),
        users(#"{"type": "file", "path": "u", "header": "true"}"#), users(#"{"type": "file", "path": ["u"]}"#),
        users(#"{"type": "file", "path": "u", "format": "tsv"}"#),
        document(
            source:
                #"{"type": "pinpoint", "application_id": "a", "users": {"type": "file", "path": "u"}, "retry": {"max_delay": 20}}"#
        ),
    ]

    @Test func sameVerdict() throws {
        let schema = ConfigurationSchema.jsonSchema(registry: Fakes.registry)
        let verdicts = try PythonSchemaJudge.judge(Self.good + Self.bad, by: schema)
        #expect(verdicts.count == Self.good.count + Self.bad.count)
        for (index, document) in (Self.good + Self.bad).enumerated() {
            let errors = Fakes.errors(document)
            let expected = index < Self.good.count
            #expect(errors.isEmpty == expected, "decoder: \(document)\n\(errors)")
            #expect(verdicts[index] == expected, "schema: \(document)")
        }
    }

    @Test func schemaOfAnEmptyRegistry() throws {
        let schema = ConfigurationSchema.jsonSchema(registry: PluginRegistry())
        #expect(try PythonSchemaJudge.judge([Self.document()], by: schema) == [false])
    }

    @Test func stableAndPretty() throws {
        let schema = ConfigurationSchema.jsonSchema(registry: Fakes.registry)
        #expect(schema == ConfigurationSchema.jsonSchema(registry: Fakes.registry))
        #expect(schema.hasPrefix("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"))
        #expect(schema.hasSuffix("}\n"))
        #expect(schema.split(separator: "\n").allSatisfy { $0.count < 200 })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(schema.utf8)) as? [String: Any])
        let properties = try #require(object["properties"] as? [String: [String: Any]])
        // Its default depends on the source.
        #expect(properties["batch_size"] != nil && properties["batch_size"]?["default"] == nil)
        #expect(properties["state_directory"]?["default"] as? String == ".sluice")
        #expect(
            properties["pipeline"]?["description"] as? String
                == "The pipeline's name; names runs, checkpoints and locks")
    }
}

/// Asks Python's `jsonschema`, and makes it check the schema itself against its meta-schema.
enum PythonSchemaJudge {
    static let isAvailable = (try? run(["-c", "import jsonschema; jsonschema.Draft202012Validator"], input: "")) != nil

    private static let script = """
        import json, sys, jsonschema
        given = json.load(sys.stdin)
        schema = json.loads(given["schema"])
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        print(json.dumps([validator.is_valid(json.loads(d)) for d in given["documents"]]))
        """

    static func judge(_ documents: [String], by schema: String) throws -> [Bool] {
        struct Input: Encodable {
            var schema: String
            var documents: [String]
        }
        let input = try JSONEncoder().encode(Input(schema: schema, documents: documents))
        let output = try run(["-c", script], input: String(decoding: input, as: UTF8.self))
        return try JSONDecoder().decode([Bool].self, from: Data(output.utf8))
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private static func run(_ arguments: [String], input: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        let errors = stderr.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: String(decoding: errors, as: UTF8.self))
        }
        return String(decoding: output, as: UTF8.self)
    }
}
