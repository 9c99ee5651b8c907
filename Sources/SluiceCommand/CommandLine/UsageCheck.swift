internal import Foundation
internal import PipelineCore

/// What a call most likely means where it names no command.
struct UsageCheck {
    let index: CommandIndex
    /// Behind the program's name.
    let arguments: [String]

    private static let allCommands = "'sluice --help' lists the commands."

    /// - Throws: `PipelineError` of kind `.usage`.
    func requireCommand() throws(PipelineError) {
        guard let first = arguments.first else { return }
        if first == "help" { return try requireHelp() }
        if first.hasPrefix("-") { return try requireNoCommandBehind(first) }
        if index.names.contains(first) || index.command(named: first) != nil { return }
        if Self.isPipeline(first) {
            let rest = arguments.dropFirst().map { " " + Self.shown($0) }.joined()
            throw PipelineError(
                .usage, "'\(Self.shown(first))' is a pipeline's file, not a command",
                hint: "Did you mean 'sluice run \(Self.shown(first))\(rest)'?")
        }
        throw unknown(first)
    }

    private func requireHelp() throws(PipelineError) {
        let names = arguments.dropFirst().filter { !$0.hasPrefix("-") }
        guard let name = names.first else { return }
        guard index.names.contains(name) || index.command(named: name) != nil else { throw unknown(name) }
        guard names.count == 1 else {
            throw PipelineError(
                .usage, "'sluice \(Self.shown(name))' has no commands of its own",
                hint: "Did you mean 'sluice help \(Self.shown(name))'?")
        }
    }

    /// An option is the command's, so it follows its name.
    private func requireNoCommandBehind(_ option: String) throws(PipelineError) {
        guard let place = arguments.firstIndex(where: { index.command(named: $0) != nil }), place > 0,
            let command = index.command(named: arguments[place]),
            CommandIndex.options(of: command).contains(String(option.prefix { $0 != "=" }))
        else { return }
        throw PipelineError(
            .usage, "'\(Self.shown(option))' is an option of 'sluice \(arguments[place])' and follows that name",
            hint: "Did you mean 'sluice \(arguments[place]) … \(Self.shown(option))'?")
    }

    private func unknown(_ name: String) -> PipelineError {
        let nearest = Suggestion.nearest(to: name, among: index.names).map { "Did you mean 'sluice \($0)'? " } ?? ""
        return PipelineError(
            .usage, "there is no command '\(Self.shown(name))'", hint: nearest + Self.allCommands)
    }

    private static func isPipeline(_ text: String) -> Bool {
        let name = text.lowercased()
        if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return true }
        var isFolder: ObjCBool = false
        return text.contains("/") && FileManager.default.fileExists(atPath: text, isDirectory: &isFolder)
            && !isFolder.boolValue
    }

    private static func shown(_ text: String) -> String { PrintableText.of(text, limit: 100) }
}
