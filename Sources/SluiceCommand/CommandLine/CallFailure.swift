internal import ArgumentParser
internal import Foundation
internal import PipelineCore

/// How a call ends that didn't get as far as its command, or whose command threw: one or two lines, with one prefix.
enum CallFailure {
    /// Says what is wrong, or prints what was asked for (help, a version, a completion), and ends the process.
    static func end(_ error: any Error, of index: CommandIndex, _ arguments: [String]) -> Never {
        if let error = error as? PipelineError { end(error) }
        let code = Sluice.exitCode(for: error)
        if code.isSuccess {
            Terminal.writeResult(Sluice.fullMessage(for: error))
            exit(0)
        }
        // Whoever threw a number has said why.
        if error is ExitCode { exit(code.rawValue) }
        guard code == .validationFailure else {
            end(PipelineError(.software, "\(error)"))
        }
        end(usage(Sluice.message(for: error), of: index, arguments))
    }

    private static func end(_ error: PipelineError) -> Never {
        Terminal.standardError.writeLine("sluice: error: \(error)")
        exit(error.exitCode)
    }

    /// The parser's message in the form that all others have.
    private static func usage(_ message: String, of index: CommandIndex, _ arguments: [String]) -> PipelineError {
        let lines = message.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        var text = lines.joined(separator: " ")
        // It proposes options by another rule.
        if let proposal = text.firstRange(of: ". Did you mean '") { text = String(text[..<proposal.lowerBound]) }
        // Of two values it says "one of 'a' and 'b'".
        if let choice = text.firstRange(of: "Please provide one of "),
            let and = text[choice.upperBound...].firstRange(of: "' and '")
        {
            text.replaceSubrange(and, with: "' or '")
        }
        let name = arguments.first.flatMap { index.command(named: $0) == nil ? nil : $0 }
        let call = name.map { "sluice \($0)" } ?? "sluice"
        let help = "'\(call) --help' says what it takes."
        var hint = help
        if let option = unknownOption(text), let name, let command = index.command(named: name),
            let nearest = Suggestion.nearest(to: option, among: CommandIndex.options(of: command) + ["--help"])
        {
            hint = "Did you mean '\(nearest)'? \(help)"
        }
        return PipelineError(.usage, PrintableText.of(lowercasedFirst(text), limit: 300), hint: hint)
    }

    private static func unknownOption(_ message: String) -> String? {
        let beginning = "Unknown option '"
        guard message.hasPrefix(beginning), message.hasSuffix("'") else { return nil }
        return String(message.dropFirst(beginning.count).dropLast())
    }

    /// A sentence that goes on behind the prefix; a name in capitals stays.
    private static func lowercasedFirst(_ text: String) -> String {
        guard let first = text.first, text.dropFirst().first?.isLowercase == true else { return text }
        return first.lowercased() + text.dropFirst()
    }
}
