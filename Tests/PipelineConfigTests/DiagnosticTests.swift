import PipelineConfig
import PipelineCore
import Testing

/// Bad documents and all that is said about them.
@Suite struct DiagnosticTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var yaml: String
        var errors: String
        var environment: [String: String] = [:]
        var testDescription: String { errors }
    }

    static let head = "pipeline: p\nsource: {type: pinpoint, application_id: a, users: {type: file, path: u}}\n"
    static let good = head + "sinks: [{type: sqlite, path: o}]\n"

    @Test(arguments: [
        Case(yaml: "", errors: "1:1: error: the file holds no options"),
        Case(yaml: "# only words\n", errors: "1:1: error: the file holds no options"),
        Case(yaml: "---\n", errors: "2:1: error: the file holds no options"),
        Case(yaml: "~", errors: "1:1: error: the file holds no options"),
        Case(yaml: "[a]", errors: "1:1: error: a pipeline must be a mapping, not a list (begin with 'pipeline: name')"),
        Case(
            yaml: "just text",
            errors: "1:1: error: a pipeline must be a mapping, not a single value (begin with 'pipeline: name')"),
        Case(
            yaml: good + "---\npipeline: q\n",
            errors: "4:1: error: a second YAML document begins here (one file holds one pipeline)"),
        Case(yaml: good + "\tbatch_size: 1\n", errors: "4:1: error: a tab can't indent YAML (use spaces)"),
        Case(
            yaml: "pipeline: p\nlimits:\n\tmax_failed: 1%\n", errors: "3:1: error: a tab can't indent YAML (use spaces)"
        ),
        Case(
            yaml: "pipeline: \"p\n",
            errors:
                "1:11: error: this quote isn't closed (write another \" where the value ends)"
        ),
        Case(
            yaml: "pipeline: [p\n",
            errors:
                "1:11: error: this '[' isn't closed (write ']' where it ends)"
        ),
        Case(
            yaml: "pipeline: p: q\n",
            errors: "1:12: error: a value that holds ': ' is put in quotes (write \"p: q\")"),
        Case(
            yaml: "pipeline: @p\n",
            errors:
                "1:11: error: a value can't begin with '@' (put it in quotes: \"@p\")"
        ),
        Case(
            yaml: "pipeline: *p\n",
            errors: "1:11: error: no anchor '&p' stands above (a value that begins with '*' is put in quotes)"),
        Case(yaml: "pipeline: p\u{1}\n", errors: "1:12: error: the character U+0001 can't stand in YAML"),
        Case(
            yaml: "a: \"\\ud800\"\n",
            errors:
                "1:7: error: not valid YAML: found invalid Unicode character escape code (while parsing a quoted scalar that begins at 1:4)"
        ),
        Case(yaml: good + "? [a]\n: b\n", errors: "4:3: error: a key must be plain text"),
        Case(
            yaml: good + "batch_size: !!int 5\n", errors: "4:13: error: the tag '!!int' has no meaning here (remove it)"
        ),
        Case(
            yaml: good + "batch_size: !env N\n",
            errors: """
                4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not 'N'
                4:13: error: the tag '!env' has no meaning here (remove it)
                """),
        Case(
            yaml: good + "limits: &l {min_records: 2}\n? *l\n: 1\n",
            errors: "5:1: error: aliases can't be used beside keys that aren't plain text"),
    ])
    func documents(_ wrong: Case) {
        #expect(Fakes.errors(wrong.yaml) == wrong.errors)
    }

    @Test func notUTF8() {
        #expect(
            Fakes.errors([0x61, 0x3A, 0x20, 0xC3, 0xA9, 0xFF])
                == "1:5: error: the file isn't UTF-8 here (save it as UTF-8)")
        #expect(Fakes.errors([0xFF, 0xFE, 0x61, 0x00]) == "1:1: error: the file isn't UTF-8 here (save it as UTF-8)")
    }

    @Test(arguments: [
        Case(yaml: good + "pipeline: q\n", errors: "4:1: error: duplicate key 'pipeline' (it stands at 1:1 already)"),
        Case(
            yaml: good + "bach: 1\nbatch_size: 0\nbatch_size: 3\npipeline: q\npipeline: r\n",
            errors: """
                4:1: error: unknown option 'bach' (did you mean 'batch_size'?)
                5:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '0'
                6:1: error: duplicate key 'batch_size' (it stands at 5:1 already)
                7:1: error: duplicate key 'pipeline' (it stands at 1:1 already)
                8:1: error: duplicate key 'pipeline' (it stands at 1:1 already)
                """),
        Case(
            yaml: head + "sinks: [{type: sqlite, path: o, path: p, \"path\": q}]\n",
            errors: """
                3:33: error: duplicate key 'path' (it stands at 3:24 already)
                3:42: error: duplicate key 'path' (it stands at 3:24 already)
                """),
        Case(
            yaml: good + "limits: {min_records: 1, 'min_records': 2}\n\"\\x62atch_size\": 1\nbatch_size: 1\n",
            errors: """
                4:26: error: duplicate key 'min_records' (it stands at 4:10 already)
                6:1: error: duplicate key 'batch_size' (it stands at 5:1 already)
                """),
        Case(yaml: good + "\"\": 1\n'': 2\n", errors: "4:1: error: the key '' stands here and once more below"),
    ])
    func duplicateKeys(_ wrong: Case) {
        #expect(Fakes.errors(wrong.yaml) == wrong.errors)
    }

    @Test(arguments: [
        Case(yaml: good + "bach: 3\n", errors: "4:1: error: unknown option 'bach' (did you mean 'batch_size'?)"),
        Case(
            yaml: good + "bacth_size: 3\nlimit: {}\nzzz: 1\n",
            errors: """
                4:1: error: unknown option 'bacth_size' (did you mean 'batch_size'?)
                5:1: error: unknown option 'limit' (did you mean 'limits'?)
                6:1: error: unknown option 'zzz' (known: pipeline, source, transforms, flatten, sinks, batch_size, limits, on_changed_input, on_new_columns, report, tests, state_directory)
                """),
        Case(
            yaml: "batch_size: 3\n",
            errors: """
                1:1: error: missing option 'pipeline' (The pipeline's name; names runs, checkpoints and locks)
                1:1: error: missing option 'sinks' (Where the rows go, at least one place)
                1:1: error: missing option 'source' (Where the records come from)
                """),
        Case(
            yaml: "pipeline:\nsource: ~\nsinks: null\nbatch_size:\ntransforms:\n",
            errors: """
                1:10: error: 'pipeline' has no value
                2:9: error: 'source' has no value
                3:8: error: 'sinks' has no value
                4:12: error: 'batch_size' has no value
                5:12: error: 'transforms' has no value (an empty list is [])
                """),
        Case(
            yaml: "pipeline: Nightly\nsource: x\nsinks: {}\ntransforms: a\nlimits: []\n",
            errors: """
                1:11: error: 'pipeline' must be 1 to 63 of a-z, 0-9, '_' and '-', with a letter or a digit first, not 'Nightly'
                2:9: error: 'source' must be a mapping with 'type', not a single value
                3:8: error: 'sinks' must be a list, not a mapping (put [ ] around it)
                4:13: error: 'transforms' must be a list, not a single value (begin each entry with '- ')
                5:9: error: 'limits' must be a mapping, not a list
                """),
        Case(yaml: head + "sinks: []\n", errors: "3:8: error: 'sinks' must have at least one entry"),
        Case(
            yaml: head + "sinks: [x, [], {type: sqlite}, {path: o}, {type: sqlit, path: o}, {type: kafka}]\n",
            errors: """
                3:9: error: an entry of 'sinks' must be a mapping with 'type', not a single value (write {type: sqlite, path: x})
                3:12: error: an entry of 'sinks' must be a mapping with 'type', not a list
                3:17: error: missing option 'path' (The database)
                3:33: error: missing option 'type' (one of sqlite, ndjson)
                3:50: error: unknown sink type 'sqlit' (did you mean 'sqlite'?)
                3:74: error: unknown sink type 'kafka' (known: sqlite, ndjson)
                """),
        Case(
            yaml: head
                + "sinks:\n  - type: sqlite\n    pth: o\n    batch_size: 7\n    mode: Merge\n    name: A\n    transforms: [{type: filtre}]\n",
            errors: """
                4:5: error: missing option 'path' (The database)
                5:5: error: unknown option 'pth' (did you mean 'path'?)
                6:5: error: unknown option 'batch_size' (it belongs at the top level)
                7:11: error: 'mode' must be one of merge, append, not 'Merge' (did you mean 'merge'?)
                8:11: error: 'name' must be 1 to 63 of a-z, 0-9, '_' and '-', with a letter or a digit first, not 'A'
                9:25: error: unknown transform type 'filtre' (did you mean 'filter'?)
                """),
        Case(
            yaml: head + "sinks: [{type: sqlite, path: a}, {type: sqlite, path: b}]\n",
            errors: "3:41: error: two sinks are called 'sqlite' (give each a 'name' of its own)"),
        Case(
            yaml: head + "sinks: [{type: sqlite, path: a, name: x}, {type: ndjson, path: b, name: x}]\n",
            errors: "3:73: error: two sinks are called 'x' (the other one stands at 3:39)"),
        Case(
            yaml: head + "sinks: [{type: sqlite, path: shared, name: x}, {type: sqlite, path: ./shared, name: y}]\n",
            errors: "3:69: error: sink 'y' writes to the same place as sink 'x' (give each a place of its own)"),
        Case(
            yaml: head + "sinks: [{type: sqlite, path: a, name: ndjson}, {type: ndjson, path: b}]\n",
            errors: "3:55: error: two sinks are called 'ndjson' (give each a 'name' of its own)"),
        Case(
            yaml:
                "pipeline: p\nsource:\n  type: pinpoint\n  users:\n    type: file\n    path: ''\n    format: csv\nsinks: [{type: sqlite, path: o}]\n",
            errors: """
                3:3: error: missing option 'application_id' (The application)
                6:11: error: 'path' is an empty path
                """),
        Case(
            yaml:
                "pipeline: p\nsource:\n  type: pinpoint\n  application_id: a\n  users:\n    type: file\n    path: ~/u\n    format: cvs\n    column: a..b\n    header: yes\nsinks: [{type: sqlite, path: '-'}]\n",
            errors: """
                7:11: error: 'path' begins with '~', which isn't expanded (write ${HOME}/…, or ./~ for a file)
                8:13: error: 'format' must be one of lines, csv, ndjson, not 'cvs' (did you mean 'csv'?)
                9:13: error: 'column' has an empty name
                10:13: error: 'header' must be true or false, not 'yes' (write true)
                11:30: error: 'path' must be a path, not '-' (a file of that name is ./-)
                """),
        Case(
            yaml:
                "pipeline: p\nsource:\n  type: pinpoint\n  application_id: a\n  users:\n    path: u\n    type: file\n    format: csv\nsinks: [{type: sqlite, path: o}]\n",
            errors: "6:5: error: 'column': is needed where the format is csv"),
    ])
    func options(_ wrong: Case) {
        #expect(Fakes.errors(wrong.yaml) == wrong.errors)
    }

    @Test(arguments: [
        ("batch_size: abc", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not 'abc'"),
        ("batch_size: 0", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '0'"),
        ("batch_size: 10001", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '10001'"),
        (
            "batch_size: '500'",
            "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '500' (remove the quotes)"
        ),
        (
            "batch_size: 0500",
            "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '0500' (write it in decimal, without a leading 0)"
        ),
        (
            "batch_size: 0o17",
            "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '0o17' (write it in decimal, without a leading 0)"
        ),
        (
            "batch_size: 0x1F",
            "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '0x1F' (write it in decimal, without a leading 0)"
        ),
        (
            "batch_size: 1_000",
            "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '1_000' (write digits only)"
        ),
        ("batch_size: 1e3", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '1e3'"),
        ("batch_size: 1.0", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '1.0'"),
        (
            "batch_size: 99999999999999999999",
            "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '99999999999999999999'"
        ),
        ("batch_size: [1]", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not a list"),
        ("batch_size: |\n  5\n", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '5…'"),
        (
            "limits: {max_failed: 101%}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '101%'"
        ),
        (
            "limits: {max_failed: -1%}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '-1%'"
        ),
        (
            "limits: {max_failed: 1 %}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '1 %' (write 1%)"
        ),
        (
            "limits: {max_failed: 0.01}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '0.01' (write 1%)"
        ),
        (
            "limits: {max_failed: -1}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '-1'"
        ),
        (
            "limits: {max_failed: '5'}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '5' (remove the quotes)"
        ),
        (
            "limits: {max_failed: 01%}",
            "4:22: error: 'max_failed' must be a share from 0% to 100%, or a whole number, not '01%'"
        ), ("limits: {min_records: -1}", "4:23: error: 'min_records' must be a whole number, at least 0, not '-1'"),
        (
            "on_changed_input: refuses",
            "4:19: error: 'on_changed_input' must be one of refuse, restart, not 'refuses' (did you mean 'refuse'?)"
        ), ("on_changed_input: ignore", "4:19: error: 'on_changed_input' must be one of refuse, restart, not 'ignore'"),
        (
            "flatten: {layout: documents}",
            "4:19: error: 'layout' must be one of normalized, document, not 'documents' (did you mean 'document'?)"
        ),
        (
            "flatten: {columns: [{name: a-b, from: A..B, as: last}, {name: b}]}",
            """
            4:28: error: 'name' must be 1 to 63 letters of ASCII, digits and '_', no digit first, not 'a-b'
            4:39: error: 'from' has an empty name
            4:49: error: 'as' must be one of first, joined, json, number, not 'last'
            4:57: error: missing option 'as' (first: a list's first value as text; joined: all of them; json: the value as \
            it is; number: the first as a number)
            4:57: error: missing option 'from' (The member, such as Attributes.plan, [Attributes, e.mail], Metrics.age or \
            User.UserAttributes.tier)
            """
        ),
        (
            "flatten: {columns: [{name: a, from: A, as: first, separator: x}]}",
            "4:62: error: 'separator': goes with 'as: joined' alone"
        ),
        ("state_directory: '-'", "4:18: error: 'state_directory' must be a path, not '-' (a file of that name is ./-)"),
        ("state_directory: ''", "4:18: error: 'state_directory' is an empty path"),
        (
            "transforms: {type: filter}",
            """
            4:13: error: 'transforms' must be a list, not a mapping (put [ ] around it)
            4:14: error: missing option 'where' (Values by member)
            """
        ),
        ("transforms: [{type: filter, where: [a]}]", "4:36: error: 'where' must be a mapping, not a list"),
        (
            "transforms: [{type: filter, where: {a: b, c: [~]}}]",
            """
            4:40: error: 'a' must be a list, not a single value (write a: [b])
            4:47: error: an entry of 'c' has no value
            """
        ),
        (
            "transforms: [{type: mask, paths: [[], '', [a, ''], {}]}]",
            """
            4:35: error: an entry of 'paths' has an empty name
            4:39: error: an entry of 'paths' has an empty name
            4:43: error: an entry of 'paths' has an empty name
            4:52: error: an entry of 'paths' must be a path of names such as User.UserId or [User, UserId], not a mapping
            """
        ),
        ("transforms: [{type: mask, paths: [a], key: ''}]", "4:44: error: 'key' is empty"),
        ("transforms: [{type: mask, paths: [a], key: {a: b}}]", "4:44: error: 'key' must be text, not a mapping"),
        ("transforms: [{type: mask, paths: [a], key: hunter2}]", "4:44: error: 'key': has fewer than 16 bytes: •••"),
        (
            "transforms: [{type: mask, paths: [a], with: sha}]",
            "4:45: error: 'with' must be one of redact, hmac-sha256, not 'sha'"
        ),
    ])
    func values(yaml: String, errors: String) {
        #expect(Fakes.errors(Self.good + yaml + "\n") == errors)
    }

    @Test(arguments: [
        (
            "max_delay: 20",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '20' (add a unit, such as 20s)"
        ),
        (
            "max_delay: 0ms",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '0ms'"
        ),
        (
            "max_delay: 2h",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '2h'"
        ),
        (
            "max_delay: 1h30m",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '1h30m'"
        ),
        (
            "max_delay: 1.5s",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '1.5s'"
        ),
        (
            "max_delay: 99999999999999999999s",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '99999999999999999999s'"
        ),
        (
            "max_delay: 5 s",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '5 s' (write 5s)"
        ),
        (
            "max_delay: -5s",
            "2:94: error: 'max_delay' must be a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h, not '-5s'"
        ), ("max_attempts: true", "2:97: error: 'max_attempts' must be a whole number, from 1 to 100, not 'true'"),
    ])
    func durations(yaml: String, errors: String) {
        let source = "{type: pinpoint, application_id: a, users: {type: file, path: u}, retry: {\(yaml)}}"
        #expect(Fakes.errors(Fakes.pipeline(source: source)) == errors)
    }

    @Test(arguments: [
        (
            "max_file_size: 64",
            "3:48: error: 'max_file_size' must be a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB, not '64' (add a unit: B, KB, MB or GB)"
        ),
        (
            "max_file_size: 64KiB",
            "3:48: error: 'max_file_size' must be a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB, not '64KiB' (the units are B, KB, MB and GB, in powers of 1,024)"
        ),
        (
            "max_file_size: 64kb",
            "3:48: error: 'max_file_size' must be a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB, not '64kb' (write 64KB)"
        ),
        (
            "max_file_size: 1B",
            "3:48: error: 'max_file_size' must be a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB, not '1B'"
        ),
        (
            "max_file_size: 9999999999GB",
            "3:48: error: 'max_file_size' must be a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB, not '9999999999GB'"
        ),
        (
            "max_file_size: 1.5MB",
            "3:48: error: 'max_file_size' must be a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB, not '1.5MB'"
        ),
        ("url: nonsense-with-password", "3:16: error: can't read the URL ••• (it has a scheme)"),
    ])
    func sizes(yaml: String, errors: String) {
        #expect(Fakes.errors(Fakes.pipeline(sinks: "[{type: ndjson, path: o, \(yaml)}]")) == errors)
    }

    @Test(arguments: [
        ("batch_size: ${N}", "4:13: error: the environment variable 'N' isn't set (set it, or write ${N:-default})"),
        ("batch_size: ${N:-}", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '${N:-}'"),
        ("batch_size: ${LONG}", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '${LONG}'"),
        ("batch_size: ${N", "4:13: error: '${' has no '}' (a literal '${' is written '$${')"),
        (
            "batch_size: ${}",
            "4:13: error: '${}' names no variable (write ${NAME}, ${NAME:-default} or ${file:PATH}; a literal '${' is '$${')"
        ),
        (
            "batch_size: ${A B}",
            "4:13: error: '${A B}' names no variable (write ${NAME}, ${NAME:-default} or ${file:PATH}; a literal '${' is '$${')"
        ),
        (
            "batch_size: ${1A}",
            "4:13: error: '${1A}' names no variable (write ${NAME}, ${NAME:-default} or ${file:PATH}; a literal '${' is '$${')"
        ),
        ("batch_size: '${N:-${M}}'", "4:13: error: the default of '${N}' can't hold another '${'"),
        ("batch_size: $${N}", "4:13: error: 'batch_size' must be a whole number, from 1 to 10000, not '$${N}'"),
        (
            "batch_size: '${N:=3}'",
            "4:13: error: '${N:=3}' names no variable (write ${NAME}, ${NAME:-default} or ${file:PATH}; a literal '${' is '$${')"
        ),
        (
            "transforms: [{type: mask, paths: [a], key: '${EMPTY}'}]",
            "4:44: error: the environment variable 'EMPTY' is set, but empty (give it a value)"
        ),
        ("transforms: [{type: mask, paths: [a], key: '${SHORT}'}]", "4:44: error: 'key': has fewer than 16 bytes: •••"),
        (
            "transforms: [{type: mask, paths: [a], key: '${NONE}'}]",
            "4:44: error: the environment variable 'NONE' isn't set (set it)"
        ),
        ("transforms: [{type: '${LONG}'}]", "4:21: error: unknown transform type '•••' (known: filter, mask)"),
    ])
    func interpolation(yaml: String, errors: String) {
        let environment = ["EMPTY": "", "SHORT": "pw", "LONG": "hunter2hunter2"]
        let told = Fakes.errors(Self.good + yaml + "\n", environment)
        #expect(told == errors)
        #expect(!told.contains("hunter2"))
    }
}

/// A value from the environment is shown by nobody; a default in the file is no secret.
@Suite struct RedactionTests {
    @Test(arguments: [
        ("${LONG}", "3:16: error: can't read the URL ••• (it has a scheme)"),
        ("${NONE:-hunter2hunter2}", "3:16: error: can't read the URL ••• (it has a scheme)"),
        ("pre-${LONG}-post", "3:16: error: can't read the URL ••• (it has a scheme)"),
    ])
    func secrets(written: String, errors: String) {
        let sinks = "[{type: ndjson, path: o, url: '\(written)'}]"
        #expect(Fakes.errors(Fakes.pipeline(sinks: sinks), ["LONG": "hunter2hunter2"]) == errors)
    }

    @Test func plainOptions() {
        let environment = ["LONG": "hunter2hunter2"]
        #expect(
            Fakes.errors(Fakes.pipeline(sinks: "[{type: '${LONG}', path: o}]"), environment)
                == "3:16: error: unknown sink type '•••' (known: sqlite, ndjson)")
        #expect(
            Fakes.errors(Fakes.pipeline(sinks: "[{type: '${NONE:-sqlit}', path: o}]"), environment)
                == "3:16: error: unknown sink type 'sqlit' (did you mean 'sqlite'?)")
    }

    @Test func aSecretNeverDescribesItself() throws {
        let configuration = try Fakes.load(DecodingTests.nightly, DecodingTests.environment)
        var dumped = ""
        dump(configuration.transforms, to: &dumped)
        #expect(dumped.contains("•••"))
        #expect(!dumped.contains("0123456789abcdef"))
    }
}
