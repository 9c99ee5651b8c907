/// What a shell proposes after `sluice help`: the parser's scripts know of no argument there.
///
/// Each shell takes the later of two definitions.
struct HelpCompletion {
    let commands: [String]

    /// The parser's script for a shell, with what is missing in it.
    func added(to script: String, for shell: CompletionsCommand.Shell) -> String {
        switch shell {
        case .bash: script + bash
        case .fish: script + fish
        case .zsh: inserted(zsh, into: script)
        }
    }

    private var bash: String {
        """

        _sluice_help() {
            repeating_flags=()
            non_repeating_flags=(--version)
            repeating_options=()
            non_repeating_options=()
            __sluice_offer_flags_options 1

            case "${positional_number}" in
            1)
                __sluice_add_completions -W \(commands.map { "'\($0)'" }.joined(separator: "$'\\n'"))
                return
                ;;
            esac
        }

        """
    }

    private var fish: String {
        // The parser's script ends within a line.
        """

        complete -c 'sluice' -n '__sluice_should_offer_completions_for_positional "sluice help" -eq 1' \
        -fka '\(commands.joined(separator: " "))'

        """
    }

    private var zsh: String {
        """
        _sluice_help() {
            local -i ret=1
            local -ar _command=(\(commands.map { "'\($0)'" }.joined(separator: " ")))
            local -ar arg_specs=(
                ':command:{__sluice_complete "${_command[@]}"}'
                '--version[Show the version.]'
            )
            _arguments -w -s -S : "${arg_specs[@]}" && ret=0

            return "${ret}"
        }


        """
    }

    /// Before the lines that run what stands above them: zsh reads this script when it completes for the first time.
    private func inserted(_ function: String, into script: String) -> String {
        var lines = script.split(separator: "\n", omittingEmptySubsequences: false)
        let end = lines.lastIndex { $0.hasPrefix("if [[ \"${funcstack[1]}\"") } ?? lines.endIndex
        lines.insert(Substring(function.dropLast()), at: end)
        return lines.joined(separator: "\n")
    }
}
