internal import PipelineCore

extension OptionDecoder {
    /// A scalar after interpolation.
    private struct Scalar {
        var text: String
        /// Quoted in the file, with nothing put in: text, whatever it looks like.
        var isQuoted: Bool
        /// What a message may show.
        var shown: String
    }

    mutating func decodeScalar(
        _ node: DocumentNode, as type: OptionType, label: String, isAddress: Bool = false
    ) -> OptionValue? {
        guard case .scalar(let written, let isPlain) = node.content else {
            return mismatch(node, type, label)
        }
        let isSecret = if case .secret = type { true } else { false }
        let result: Interpolation.Result
        do throws(Interpolation.Failure) {
            result = try interpolation.replace(in: written)
        } catch {
            // Hide the name if a secret precedes it; the failure holds only the reference.
            // What is to hide values gets no default: everybody who reads the pipeline would know it.
            let isUnset = isSecret && warnsOfPublicSecrets && error.isUnset
            diagnostics.error(error.message, at: node.place, hint: isUnset ? "set it" : error.hint)
            return nil
        }
        for insertion in result.insertions {
            switch insertion.origin {
            case .file(let path):
                redact(insertion.text)
                referencedFiles.append((path, node.place))
            // Shorter ones would blot out parts of words, and say little.
            case .environment: if insertion.text.utf8.count >= 4 { redact(insertion.text) }
            case .absent(let name): markAbsent(name)
            case .reference: break
            }
        }
        if result.insertions.contains(where: \.isAbsent) {
            return standIn(for: result, as: type, isAddress: isAddress)
        }
        if isSecret { redact(result.text) }
        let emptyVariable = result.insertions.lazy.compactMap(\.emptyVariable).first
        if isSecret, let emptyVariable {
            tellEmpty(emptyVariable, at: node.place, hasDefault: !warnsOfPublicSecrets)
            return nil
        }
        if isSecret, warnsOfPublicSecrets, result.insertions.contains(where: \.isDefault) {
            diagnostics.warning(
                "\(label) comes from the default that stands in this file, which hides nothing from those who read it",
                at: node.place, hint: "leave the default out, so that a run without the variable is refused"
            )
        }
        if let left = Self.placeholder(in: result, as: type, isAddress: isAddress) {
            diagnostics.error("\(label) holds \(left.what)", at: node.place, hint: left.hint)
            return nil
        }
        let scalar = Scalar(
            text: result.text, isQuoted: !isPlain && result.insertions.isEmpty,
            shown: isSecret ? "•••" : "'\(Self.shortened(written))'")
        switch value(of: scalar, as: type) {
        case .success(let value): return value
        case .failure(let problem):
            if let emptyVariable {
                tellEmpty(emptyVariable, at: node.place, hasDefault: true)
                return nil
            }
            let message = problem.message ?? "must be \(type.expectation), not \(scalar.shown)"
            diagnostics.error("\(label) \(message)", at: node.place, hint: problem.hint)
            return nil
        }
    }

    private mutating func tellEmpty(_ variable: String, at place: Place, hasDefault: Bool) {
        diagnostics.error(
            "the environment variable '\(variable)' is set, but empty", at: place,
            hint: hasDefault ? "give it a value, or write ${\(variable):-default}" : "give it a value")
    }

    /// Whether an option of this type would take a text that stands in the file.
    func accepts(_ text: String, isQuoted: Bool, as type: OptionType) -> Bool {
        switch type {
        case .fieldPath: return !text.isEmpty && !text.contains(where: \.isWhitespace)
        case .secret: return false
        default:
            let scalar = Scalar(text: text, isQuoted: isQuoted, shown: "")
            if case .success = value(of: scalar, as: type) { return true }
            return false
        }
    }

    private struct Problem: Error {
        /// Nil: the type's expectation says it all.
        var message: String?
        var hint: String?
    }

    private func value(of scalar: Scalar, as type: OptionType) -> Result<OptionValue, Problem> {
        let text = scalar.text
        switch type {
        case .text: return .success(.text(text))
        case .pattern(let pattern):
            return pattern.accepts(text) ? .success(.text(text)) : .failure(Problem())
        case .secret:
            return text.isEmpty ? .failure(Problem(message: "is empty")) : .success(.secret(Secret(text)))
        case .boolean: return boolean(scalar)
        case .integer(let range):
            if scalar.isQuoted { return quotedNumber(ScalarForms.integer(text) != nil) }
            guard let number = ScalarForms.integer(text) else {
                return .failure(Problem(hint: integerHint(text)))
            }
            return range.contains(number) ? .success(.integer(number)) : .failure(Problem())
        case .number(let range):
            if scalar.isQuoted { return quotedNumber(ScalarForms.number(text) != nil) }
            guard let number = ScalarForms.number(text), range.contains(number) else {
                return .failure(Problem())
            }
            return .success(.number(number))
        case .enumeration(let names):
            if names.contains(text) { return .success(.text(text)) }
            let nearest = Suggestion.nearest(to: text, among: names)
            return .failure(Problem(hint: nearest.map { "did you mean '\($0)'?" }))
        case .duration(let range):
            guard let duration = ScalarForms.duration(text), range.contains(duration) else {
                return .failure(Problem(hint: durationHint(text, range)))
            }
            return .success(.duration(duration))
        case .size(let range):
            guard let size = ScalarForms.size(text), range.contains(size) else {
                return .failure(Problem(hint: sizeHint(text, range)))
            }
            return .success(.size(size))
        case .shareOrCount:
            if let share = ScalarForms.share(text) { return .success(.shareOrCount(share)) }
            if scalar.isQuoted { return quotedNumber(ScalarForms.integer(text) != nil) }
            guard let count = ScalarForms.integer(text), count >= 0 else {
                return .failure(Problem(hint: ScalarForms.meantShare(text).map { "write \($0)" }))
            }
            return .success(.shareOrCount(.count(count)))
        case .path(let allowsDash): return path(text, allowsDash: allowsDash)
        case .fieldPath, .list, .map, .object, .document, .plugin: return .failure(Problem())
        }
    }

    private func boolean(_ scalar: Scalar) -> Result<OptionValue, Problem> {
        switch (scalar.text, scalar.isQuoted) {
        case ("true", false): return .success(.boolean(true))
        case ("false", false): return .success(.boolean(false))
        case ("true", true), ("false", true): return .failure(Problem(hint: "remove the quotes"))
        default:
            switch scalar.text.lowercased() {
            case "yes", "on", "y", "true": return .failure(Problem(hint: "write true"))
            case "no", "off", "n", "false": return .failure(Problem(hint: "write false"))
            default: return .failure(Problem())
            }
        }
    }

    private func quotedNumber(_ isNumber: Bool) -> Result<OptionValue, Problem> {
        .failure(Problem(hint: isNumber ? "remove the quotes" : nil))
    }

    /// What is wrong with a number that YAML or another language would take.
    private func integerHint(_ text: String) -> String? {
        let digits = text.filter { $0 != "_" && $0 != "," }
        if digits != text, ScalarForms.integer(digits) != nil { return "write digits only" }
        if text.hasPrefix("0"), text.utf8.count > 1 {
            return "write it in decimal, without a leading 0"
        }
        return nil
    }

    private func durationHint(_ text: String, _ range: ClosedRange<Duration>) -> String? {
        if ScalarForms.integer(text) != nil { return "add a unit, such as \(text)s" }
        guard let meant = ScalarForms.meantDuration(text), let duration = ScalarForms.duration(meant)
        else { return nil }
        return range.contains(duration) ? "write \(meant)" : nil
    }

    private func sizeHint(_ text: String, _ range: ClosedRange<Int>) -> String? {
        if ScalarForms.integer(text) != nil { return "add a unit: B, KB, MB or GB" }
        let upper = text.uppercased()
        let withoutI = upper.split(separator: "I").joined()
        if withoutI != upper, ScalarForms.size(withoutI) != nil {
            return "the units are B, KB, MB and GB, in powers of 1,024"
        }
        let meant = upper.filter { $0 != " " }
        guard meant != text, let size = ScalarForms.size(meant), range.contains(size) else {
            return nil
        }
        return "write \(meant)"
    }

    private func path(_ text: String, allowsDash: Bool) -> Result<OptionValue, Problem> {
        if text.isEmpty { return .failure(Problem(message: "is an empty path")) }
        if text.utf8.contains(0) {
            return .failure(Problem(message: "holds U+0000, which no path can"))
        }
        if text == "-" {
            if allowsDash, takesStandardInput {
                return .failure(
                    Problem(
                        message: "can't be '-': the pipeline itself is read from standard input", hint: nil))
            }
            return allowsDash
                ? .success(.path(PathOption(written: text, resolved: text)))
                : .failure(Problem(hint: "a file of that name is ./-"))
        }
        if let scheme = RemotePath.scheme(of: text) {
            return .failure(
                Problem(
                    message: "must be a path on this machine, not a URL", hint: RemotePath.hint(for: scheme)))
        }
        if text.hasPrefix("~") {
            return .failure(
                Problem(
                    message: "begins with '~', which isn't expanded",
                    hint: "write ${HOME}/…, or ./~ for a file"))
        }
        let resolved = FileContents.resolve(text, in: interpolation.folder)
        return .success(.path(PathOption(written: text, resolved: resolved)))
    }

    private static func shortened(_ text: String) -> String {
        let line = text.prefix { !$0.isNewline }
        return line.count > 60 || line.count < text.count ? "\(line.prefix(60))…" : text
    }
}
