internal import ArgumentParser
internal import PipelineConfig
internal import PipelineCore

/// How the result of `validate` looks.
enum ValidationOutput: String, ExpressibleByArgument, CaseIterable {
    case text
    /// One document on one line.
    case json
    /// Workflow commands of GitHub's.
    case github

    func print(_ files: [ValidatedFile]) {
        switch self {
        case .json: Terminal.writeResult(Self.json(files))
        case .text, .github:
            for file in files {
                for diagnostic in file.diagnostics {
                    if self == .text {
                        Terminal.standardError.writeLine("\(diagnostic)")
                    } else {
                        Terminal.writeResult(Self.command(diagnostic))
                    }
                }
                for account in file.accounts { Terminal.writeResult("\(PrintableText.of(file.file)): \(account)") }
            }
        }
    }

    private static func json(_ files: [ValidatedFile]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("valid")
            writer.value(files.allSatisfy { $0.failure == nil })
            writer.key("files")
            writer.array { writer in for file in files { write(file, to: &writer) } }
        }
        return writer.text
    }

    private static func write(_ file: ValidatedFile, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("file")
            writer.value(file.file)
            writer.key("valid")
            writer.value(file.failure == nil)
            writer.key("pipeline")
            writer.value(file.pipeline)
            writer.key("diagnostics")
            writer.array { writer in
                for diagnostic in file.diagnostics {
                    writer.object { writer in
                        writer.key("severity")
                        writer.value(diagnostic.severity.rawValue)
                        // An option of the command line stands in the file's place.
                        writer.key("file")
                        writer.value(diagnostic.file)
                        writer.key("line")
                        writer.value(diagnostic.place?.line)
                        writer.key("column")
                        writer.value(diagnostic.place?.column)
                        writer.key("message")
                        writer.value(diagnostic.message)
                        writer.key("hint")
                        writer.value(diagnostic.hint)
                    }
                }
            }
        }
    }

    /// `::error file=nightly.yaml,line=3,col=7::what is wrong`
    private static func command(_ diagnostic: Diagnostic) -> String {
        var properties = ["file=\(escaped(diagnostic.file, isProperty: true))"]
        if let place = diagnostic.place { properties += ["line=\(place.line)", "col=\(place.column)"] }
        let hint = diagnostic.hint.map { " (\($0))" } ?? ""
        return "::\(diagnostic.severity.rawValue) \(properties.joined(separator: ","))::"
            + escaped(diagnostic.message + hint, isProperty: false)
    }

    /// As GitHub reads it back: of properties a comma and a colon are escaped too.
    private static func escaped(_ text: String, isProperty: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "%": result += "%25"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            case ":" where isProperty: result += "%3A"
            case "," where isProperty: result += "%2C"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
