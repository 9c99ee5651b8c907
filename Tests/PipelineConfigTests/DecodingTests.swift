import PipelineConfig
import PipelineCore
import Testing

@Suite struct DecodingTests {
    static let nightly = """
        # yaml-language-server: $schema=../sluice.schema.json
        pipeline: nightly                    # names runs, checkpoints, locks
        source:
          type: pinpoint                     # pinpoint
          application_id: ${PINPOINT_APP_ID}
          region: eu-central-1
          endpoint_url: http://127.0.0.1:4100  # optional
          profile: exports
          users:
            type: file
            path: users.csv
            format: csv
            column: user_id
            header: true
          rate_limit: {requests_per_second: 300, burst: 30, adaptive: true}
          concurrency: 32
          retry: {max_attempts: 8, max_delay: 500ms, deadline: 2m}
        transforms:
          - {type: filter, where: {ChannelType: [EMAIL, SMS], EndpointStatus: [ACTIVE]}}
          - {type: mask, paths: [Address, [Attributes, e-mail]], with: hmac-sha256, key: "${MASK_KEY}"}
        flatten:
          layout: normalized
        sinks:
          - {type: sqlite, path: out/endpoints.sqlite, mode: merge}
          - {type: ndjson, name: masked, path: /srv/out, level: 9, max_file_size: 64KB, transforms: [{type: mask, paths: [Address]}]}
        batch_size: 250
        limits: {max_failed: 2.5%, accept_failed: 3, max_absent: 95%, max_removed: 20%, min_records: 1}
        on_changed_input: restart
        report: {json: out/last.json}
        state_directory: ./state
        """
    static let environment = ["PINPOINT_APP_ID": "0123e4", "MASK_KEY": "0123456789abcdef"]

    @Test func wholePipeline() throws {
        let configuration = try Fakes.load(Self.nightly, Self.environment)
        #expect(configuration.pipeline == "nightly")
        #expect(configuration.file == "/etc/sluice/p.yaml")
        #expect(configuration.reportPath == "/etc/sluice/out/last.json")
        #expect(configuration.sourceTypeName == "pinpoint")
        guard case .lookup(let reader, let lookup, let concurrency) = configuration.source else { return }
        #expect(concurrency == 32)
        let file = try #require(reader as? FakeReader)
        #expect(file.path == PathOption(written: "users.csv", resolved: "/etc/sluice/users.csv"))
        #expect(file.column == ["user_id"])
        #expect(file.header)
        let call = try #require(lookup as? FakeLookup)
        #expect(call.applicationID == "0123e4")
        #expect(call.context.pipeline == "nightly")
        #expect(call.context.stateDirectory == "/etc/sluice/state")
        #expect(call.context.name == "pinpoint")
        #expect(call.context.version == "1.2.3")
        #expect(call.context.environment == Self.environment)
        #expect(call.options.options("rate_limit")?.number("requests_per_second") == 300)
        #expect(call.options.options("retry")?.duration("max_delay") == .milliseconds(500))
        #expect(call.options.options("retry")?.duration("deadline") == .seconds(120))
        let filter = try #require(configuration.transforms.first as? FakeTransform)
        guard case .map(let clauses) = filter.options["where"] else { return }
        #expect(clauses.map(\.key) == ["ChannelType", "EndpointStatus"])
        let mask = try #require(configuration.transforms.last as? FakeTransform)
        guard case .list(let paths) = mask.options["paths"] else { return }
        let names = paths.compactMap { if case .fieldPath(let names) = $0 { names } else { nil } }
        #expect(names == [["Address"], ["Attributes", "e-mail"]])
        #expect(mask.options.secret("key")?.reveal() == "0123456789abcdef")
        #expect(configuration.sinks.map(\.name) == ["sqlite", "masked"])
        #expect(configuration.sinks.map(\.typeName) == ["sqlite", "ndjson"])
        #expect(configuration.sinks.map(\.sink.name) == ["sqlite", "masked"])
        #expect(configuration.sinks.map { pathOfFake($0.sink) } == ["/etc/sluice/out/endpoints.sqlite", "/srv/out"])
        #expect(configuration.sinks.map(\.transforms.count) == [0, 1])
        #expect(configuration.layout == .normalized)
        #expect(configuration.batchSize == 250)
        #expect(configuration.limits.maxFailed == .share(0.025))
        #expect(configuration.limits.acceptFailed == .count(3))
        #expect(configuration.onChangedInput == .restart)
        #expect(configuration.stateDirectory == "/etc/sluice/state")
        #expect(configuration.warnings.isEmpty)
    }

    /// Lines of an archive are small and come fast: more of them make a batch.
    @Test func batchSizeOfAnArchive() throws {
        var registry = PluginRegistry()
        registry.register(FakeArchiveSourcePlugin.self)
        registry.register(FakeSQLitePlugin.self)
        let loader = PipelineConfigurationLoader(registry: registry, environment: [:], version: "1.2.3") { _ in }
        func load(_ more: String) throws -> PipelineConfiguration {
            let yaml = Fakes.pipeline(source: "{type: archive, path: exports}", more: more)
            return try loader.load(Array(yaml.utf8), path: "/etc/sluice/p.yaml")
        }
        let standard = try load("")
        #expect(standard.batchSize == 10_000)
        #expect(try load("batch_size: 500").batchSize == 500)
        // Given or not, the same size is the same output.
        let hash: ([UInt8]) -> String = { _ in "" }
        #expect(try load("batch_size: 10000").fingerprintTexts(hash: hash) == standard.fingerprintTexts(hash: hash))
    }

    @Test func defaults() throws {
        let configuration = try Fakes.load(Fakes.pipeline())
        #expect(configuration.transforms.isEmpty)
        #expect(configuration.batchSize == 500)
        #expect(configuration.limits == RunLimits())
        #expect(configuration.onChangedInput == .refuse)
        #expect(configuration.stateDirectory == "/etc/sluice/.sluice")
        guard case .lookup(_, let lookup, 64) = configuration.source else {
            Issue.record("concurrency")
            return
        }
        let options = try #require(lookup as? FakeLookup).options
        #expect(options.options("rate_limit")?.integer("burst") == 30)
        #expect(options["region"] == nil)
    }

    /// A text option takes the scalar's own text.
    @Test(arguments: [
        ("NO", "NO"), ("0123", "0123"), ("1e3", "1e3"), ("true", "true"), ("2001-01-01", "2001-01-01"),
        ("0x1F", "0x1F"),
        ("'~'", "~"), ("\"null\"", "null"), ("''", ""), ("!!str ~", "~"), ("|\n    a\n    b\n", "a\nb\n"),
        (">-\n    a\n    b\n", "a b"), ("\"\\u00e9\"", "é"), ("$HOME", "$HOME"), ("$${A}", "${A}"), ("${A}", "0123"),
        ("x${A}y${A}", "x0123y0123"), ("${B:-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY}", ""), ("${A:-d}", "0123"),
        ("${B:-}", ""), ("'${B:-a: b}'", "a: b"), ("${TRICK}", "x\nsinks: []"), ("$$$${A}", "$$${A}"), ("100$", "100$"),
    ])
    func texts(written: String, text: String) throws {
        let environment = ["A": "0123", "EMPTY": "", "TRICK": "x\nsinks: []"]
        let yaml = """
            pipeline: p
            source:
              type: pinpoint
              users: {type: file, path: u.txt}
              application_id: \(written)
            sinks: [{type: sqlite, path: o.sqlite}]
            """
        let configuration = try Fakes.load(yaml, environment)
        guard case .lookup(_, let lookup, _) = configuration.source else { return }
        #expect(lookup.applicationID == text)
    }

    @Test func interpolatedValuesAreDecodedByType() throws {
        let environment = ["SIZE": "250", "SHARE": "5%", "NOTHING": "", "TYPE": "sqlite", "NAME": "p-1", "BURST": "7"]
        let yaml = """
            pipeline: ${NAME}
            source:
              type: pinpoint
              application_id: a
              users: {type: file, path: "${DIR:-in}/u.txt", header: "${HEADER:-false}", column: "User.${COL:-UserId}"}
              rate_limit: {burst: "${BURST}"}
            sinks: [{type: "${TYPE}", path: o.sqlite}]
            batch_size: ${SIZE}
            limits: {max_failed: "${SHARE}"}
            """
        let configuration = try Fakes.load(yaml, environment)
        #expect(configuration.pipeline == "p-1")
        #expect(configuration.batchSize == 250)
        #expect(configuration.limits.maxFailed == .share(0.05))
        guard case .lookup(let reader, _, _) = configuration.source else { return }
        let file = try #require(reader as? FakeReader)
        #expect(file.path.resolved == "/etc/sluice/in/u.txt")
        #expect(!file.header)
        #expect(file.column == ["User", "UserId"])
    }

    @Test(arguments: [
        ("u.txt", "/etc/sluice/u.txt"), ("./u.txt", "/etc/sluice/u.txt"), (".//./u.txt", "/etc/sluice/u.txt"),
        ("../u.txt", "/etc/sluice/../u.txt"), ("/u.txt", "/u.txt"), ("'-'", "-"), ("./-", "/etc/sluice/-"),
        (".", "/etc/sluice"), ("a/./b", "/etc/sluice/a/./b"), ("./~u", "/etc/sluice/~u"),
    ])
    func paths(written: String, resolved: String) throws {
        let source = "{type: pinpoint, application_id: a, users: {type: file, path: \(written)}}"
        let configuration = try Fakes.load(Fakes.pipeline(source: source))
        guard case .lookup(let reader, _, _) = configuration.source else { return }
        #expect((reader as? FakeReader)?.path.resolved == resolved)
    }

    @Test(arguments: [
        ("1%", ShareOrCount.share(0.01)), ("0%", .share(0)), ("100%", .share(1)), ("0.5%", .share(0.005)),
        ("'5%'", .share(0.05)), ("500", .count(500)), ("0", .count(0)), ("+7", .count(7)),
    ])
    func shares(written: String, value: ShareOrCount) throws {
        let configuration = try Fakes.load(Fakes.pipeline(more: "limits: {max_absent: \(written)}"))
        #expect(configuration.limits.maxAbsent == value)
    }

    @Test(arguments: [
        ("1ms", Duration.milliseconds(1)), ("500ms", .milliseconds(500)), ("20s", .seconds(20)), ("5m", .seconds(300)),
        ("1h", .seconds(3_600)), ("'2m'", .seconds(120)),
    ])
    func durations(written: String, value: Duration) throws {
        let source =
            "{type: pinpoint, application_id: a, users: {type: file, path: u}, retry: {max_delay: \(written)}}"
        let configuration = try Fakes.load(Fakes.pipeline(source: source))
        guard case .lookup(_, let lookup, _) = configuration.source else { return }
        #expect((lookup as? FakeLookup)?.options.options("retry")?.duration("max_delay") == value)
    }

    @Test func aliasesAndMergeKeys() throws {
        let yaml = """
            pipeline: p
            source: {type: pinpoint, application_id: a, users: {type: file, path: u}}
            sinks:
              - &base {type: ndjson, name: one, path: out, level: 3, transforms: &t [{type: filter, where: {A: [b]}}]}
              - {<<: *base, name: two, path: other}
              - <<: [*base, {level: 9}]
                name: three
                path: elsewhere
              - {type: sqlite, path: o, transforms: *t}
            """
        let configuration = try Fakes.load(yaml)
        #expect(configuration.sinks.map(\.name) == ["one", "two", "three", "sqlite"])
        #expect(
            configuration.sinks.map { pathOfFake($0.sink) } == [
                "/etc/sluice/out", "/etc/sluice/other", "/etc/sluice/elsewhere", "/etc/sluice/o",
            ])
        #expect(configuration.sinks.map(\.transforms.count) == [1, 1, 1, 1])
    }

    @Test func byteOrderMarkAndWindowsLines() throws {
        let yaml = Fakes.pipeline(more: "batch_size: 7").split(separator: "\n").joined(separator: "\r\n")
        #expect(try Fakes.load("\u{FEFF}" + yaml).batchSize == 7)
        #expect(
            Fakes.errors("\u{FEFF}" + yaml + "\r\nbach: 1")
                == "5:1: error: unknown option 'bach' (did you mean 'batch_size'?)")
    }

    @Test func warnsOfKeysThatLookInterpolated() throws {
        let yaml = Fakes.pipeline(more: "transforms: [{type: filter, where: {'${A}': [x]}}]")
        let configuration = try Fakes.load(yaml)
        #expect(
            configuration.warnings.map(\.description) == [
                "/etc/sluice/p.yaml:4:37: warning: '${' isn't replaced in a key"
            ])
    }
}
