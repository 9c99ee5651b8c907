import EndpointServer
import Foundation
import Testing

/// Python's json module reads a whole archive and counts what occurs in it.
@Suite struct SyntheticQuirksTests {
    static let python = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(
        .enabled(if: python != nil, "needs python3"), .timeLimit(.minutes(5)), arguments: [1, 20_261_123] as [UInt64])
    func everyQuirkOccursAndEveryLineIsJSON(seed: UInt64) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let population = SyntheticPopulation(users: 2500, seed: seed)
        let archive = folder.appendingPathComponent("archive.ndjson.gz").path
        try population.writeArchive(to: archive, applicationID: "app/1 \"x\"")
        let report = folder.appendingPathComponent("report.json").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.python))
        process.arguments = ["-c", Self.script, archive, report]
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        try #require(status == 0)
        let counts = try JSONDecoder().decode(
            [String: Int].self, from: Data(contentsOf: URL(fileURLWithPath: report)))
        for (quirk, count) in counts.sorted(by: { $0.key < $1.key }) where quirk != "violations" {
            #expect(count > 0, "\(quirk) doesn't occur with seed \(seed)")
        }
        #expect(counts["violations"] == 0)
        #expect(counts.count > 50)
        let expected = population.ids.reduce(0) { sum, id in
            if case .found(let endpoints) = population.status(of: id) { sum + endpoints } else { sum }
        }
        #expect(counts["lines"] == expected)
    }

    static let script = #"""
        import collections, gzip, json, re, sys, unicodedata
        from decimal import Decimal

        counts = collections.Counter()
        QUIRKS = """lines integer_metric decimal_metric exponent_metric wide_number overflow null_metric metric_as_text
        empty_User_attributes empty_Location empty_Metrics empty_Attributes null_Attributes null_Demographic null_Location
        missing_Demographic missing_Location missing_ChannelType missing_Attributes missing_Metrics missing_Address
        missing_EffectiveDate null_date odd_date unparsable_date standard_date nul lone_surrogate four_bytes escaped_slash
        escaped_ascii escaped_ascii_name repeated_key blanks tabs same_address case_names normal_forms odd_name
        name_hash name_colon name_question name_backslash name_slash name_space null_list empty_list null_in_list
        mixed_list bare_value list_of_50 unknown_member unknown_in_demographic unknown_in_location unknown_in_user
        json_name cohort_number cohort_attribute new_channel locale_region country_2 country_3 lagging_user_attributes
        null_member number_coordinate wide_coordinate lower_first escaped_user_id rotated""".split()
        for quirk in QUIRKS:
            counts[quirk] = 0
        KNOWN = set("""Address ApplicationId Attributes ChannelType CohortId CreationDate Demographic EffectiveDate
        EndpointStatus Id Location Metrics OptOut RequestId User""".split())
        DEMOGRAPHIC = set("AppVersion Locale Make Model ModelVersion Platform PlatformVersion Timezone".split())
        LOCATION = set("City Country Latitude Longitude PostalCode Region".split())
        SURROGATE = re.compile("[\ud800-\udfff]")
        STANDARD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

        class Number(str):
            pass

        def pairs(members):
            names = [name for name, _ in members]
            if len(set(names)) < len(names):
                counts["repeated_key"] += 1
            return dict(members)

        def refuse(text):
            raise ValueError(text)

        def texts(value):
            if isinstance(value, Number):
                return
            if isinstance(value, str):
                yield value
            elif isinstance(value, list):
                for element in value:
                    yield from texts(element)
            elif isinstance(value, dict):
                for name, element in value.items():
                    yield name
                    yield from texts(element)

        def wide(text):
            try:
                value = float(text)
                return value not in (float("inf"), float("-inf")) and Decimal(repr(value)) != Decimal(text)
            except OverflowError:
                return False

        def names(members):
            known = list(members)
            folded = [name.lower() for name in known]
            counts["case_names"] += len(set(folded)) < len(folded)
            counts["normal_forms"] += len({unicodedata.normalize("NFC", name) for name in known}) < len(known)
            for name in known:
                counts["odd_name"] += "\0" in name or name in ("", "$json") or bool(SURROGATE.search(name))
                for character, quirk in zip("#:?\\/ ", ("hash", "colon", "question", "backslash", "slash", "space")):
                    counts["name_" + quirk] += character in name
                counts["cohort_attribute"] += name == "CohortId"

        def lists(members):
            names(members)
            for value in members.values():
                counts["null_list"] += value is None
                counts["bare_value"] += isinstance(value, str)
                if isinstance(value, list):
                    counts["empty_list"] += not value
                    counts["null_in_list"] += None in value
                    counts["mixed_list"] += any(isinstance(element, (bool, dict, Number)) for element in value)
                    counts["list_of_50"] += len(value) >= 50

        def date(endpoint, name):
            if name not in endpoint:
                return
            value = endpoint[name]
            if value is None:
                counts["null_date"] += 1
            elif STANDARD.fullmatch(value):
                counts["standard_date"] += 1
            else:
                counts["odd_date"] += 1
                counts["unparsable_date"] += not re.match(r"\d{4}-\d\d-\d\d", value)

        seen, attributes, addresses, users = set(), {}, collections.Counter(), set()
        for line in gzip.open(sys.argv[1], "rb"):
            counts["lines"] += 1
            text = line.decode("utf-8")
            endpoint = json.loads(
                text, object_pairs_hook=pairs, parse_int=Number, parse_float=Number, parse_constant=refuse)
            identifier, user = endpoint["Id"], endpoint["User"]
            problems = [
                not isinstance(identifier, str) or isinstance(identifier, Number) or not identifier,
                "\0" in identifier or bool(SURROGATE.search(identifier)),
                identifier.casefold() in seen,
                endpoint["ApplicationId"] != 'app/1 "x"',
                not re.fullmatch(r"user-\d{6}", user["UserId"]),
                not text.endswith("}\n") or "\r" in text,
            ]
            counts["violations"] += any(problems)
            seen.add(identifier.casefold())
            counts["rotated"] += not text.lstrip("{ \t").startswith(('"A', '"C'))
            counts["blanks"] += '" : ' not in text and '": ' in text
            counts["tabs"] += "\t" in text
            counts["escaped_slash"] += "\\/" in text
            counts["escaped_ascii"] += bool(re.search(r"\\u00[2-7]", text))
            counts["escaped_ascii_name"] += '"\\u0063ountry"' in text
            counts["escaped_user_id"] += '"\\u0075\\u0073' in text
            whole = " ".join(texts(endpoint))
            counts["nul"] += "\0" in whole
            counts["lone_surrogate"] += bool(SURROGATE.search(whole))
            counts["four_bytes"] += max(whole) > "\uffff"
            counts["json_name"] += '"$json":' in text
            for member in ("Demographic", "Location", "ChannelType", "Attributes", "Metrics", "Address", "EffectiveDate"):
                counts["missing_" + member] += member not in endpoint
            for member in ("Location", "Metrics", "Attributes"):
                counts["empty_" + member] += endpoint.get(member) == {}
            for member in ("Attributes", "Demographic", "Location"):
                counts["null_" + member] += member in endpoint and endpoint[member] is None
            date(endpoint, "CreationDate")
            date(endpoint, "EffectiveDate")
            counts["unknown_member"] += bool(set(endpoint) - KNOWN)
            demographic, location = endpoint.get("Demographic") or {}, endpoint.get("Location") or {}
            counts["unknown_in_demographic"] += bool(set(demographic) - DEMOGRAPHIC)
            counts["unknown_in_location"] += bool(set(location) - LOCATION)
            counts["unknown_in_user"] += bool(set(user) - {"UserId", "UserAttributes"})
            counts["null_member"] += None in demographic.values()
            counts["lower_first"] += bool(endpoint.get("address"))
            counts["locale_region"] += demographic.get("Locale") in ("es_419", "haw_US")
            counts["country_2"] += len(location.get("Country") or "") == 2
            counts["country_3"] += len(location.get("Country") or "") == 3
            latitude = location.get("Latitude")
            counts["number_coordinate"] += isinstance(latitude, Number) and "." not in latitude
            counts["wide_coordinate"] += isinstance(latitude, Number) and wide(latitude)
            counts["cohort_number"] += isinstance(endpoint.get("CohortId"), Number)
            counts["new_channel"] += endpoint.get("ChannelType") == "RCS"
            lists(endpoint.get("Attributes") or {})
            user_attributes = user.get("UserAttributes") or {}
            counts["empty_User_attributes"] += user.get("UserAttributes") == {}
            lists(user_attributes)
            known = attributes.setdefault(user["UserId"], user_attributes)
            counts["lagging_user_attributes"] += bool(user_attributes) and known != user_attributes
            metrics = endpoint.get("Metrics") or {}
            names(metrics)
            for value in metrics.values():
                counts["null_metric"] += value is None
                if isinstance(value, Number):
                    counts["integer_metric"] += value.isdigit()
                    counts["decimal_metric"] += value.endswith(".0")
                    counts["exponent_metric"] += "e" in value.lower()
                    counts["wide_number"] += wide(value)
                    counts["overflow"] += float(value) in (float("inf"), float("-inf"))
                else:
                    counts["metric_as_text"] += isinstance(value, str)
            address = endpoint.get("Address")
            if address:
                addresses[user["UserId"], address] += 1
        counts["same_address"] = sum(count > 1 for count in addresses.values())
        with open(sys.argv[2], "w") as report:
            json.dump(counts, report)
        """#
}
