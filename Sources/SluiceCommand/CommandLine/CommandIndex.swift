internal import ArgumentParser
internal import PipelineCore

/// The commands and their options by name, for a call that was mistyped.
struct CommandIndex {
    private let commands: [any ParsableCommand.Type]

    init(_ root: any ParsableCommand.Type) { commands = root.configuration.subcommands }

    /// `help` is the parser's own.
    var names: [String] {
        commands.filter { $0.configuration.shouldDisplay }.map(Self.name) + ["help"]
    }

    func command(named name: String) -> (any ParsableCommand.Type)? { commands.first { Self.name($0) == name } }

    private static func name(_ command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }

    /// The options of a command as they are typed, with two hyphens; the parser describes itself as JSON.
    static func options(of command: any ParsableCommand.Type) -> [String] {
        guard let root = try? JSONTape(decoding: Array(command._dumpHelp().utf8)).root,
            let arguments = root["command"]?["arguments"]?.elements
        else { return [] }
        return arguments.flatMap { argument in
            (argument["names"]?.elements ?? []).compactMap { name in
                name["kind"]?.text == "long" ? name["name"]?.text.map { "--" + $0 } : nil
            }
        }
    }
}
