internal import ArgumentParser

/// `sluice completions`: a script for a shell.
struct CompletionsCommand: ParsableCommand {
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash
        case zsh
        case fish
    }

    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print what makes a shell complete calls of sluice: commands, options, values, files.",
        discussion: CommandHelp(
            "sluice completions bash > ~/.local/share/bash-completion/completions/sluice",
            "sluice completions fish > ~/.config/fish/completions/sluice.fish",
            words: """
                For zsh it goes to a folder of $fpath, as a file called _sluice: sluice completions zsh > ~/.zfunc/_sluice. \
                Packages install all three.
                """
        ).text)

    @Argument(help: "The shell.")
    var shell: Shell

    func run() {
        let script = Sluice.completionScript(for: CompletionShell(rawValue: shell.rawValue) ?? .bash)
        // Sourced, so without a line that names an interpreter.
        let text = script.hasPrefix("#!") ? String(script.drop { $0 != "\n" }.dropFirst()) : script
        let help = HelpCompletion(commands: CommandIndex(Sluice.self).names.filter { $0 != "help" })
        Terminal.writeResult(help.added(to: text, for: shell))
    }
}
