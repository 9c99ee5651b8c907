internal import Yams

/// What the YAML library says is wrong with a text: true, but in the words of its grammar, and often a line too late.
struct YAMLComplaint {
    var problem: String
    var place: Place
    /// What the library was about when it gave up, and where that begins.
    var context: (text: String, place: Place)?

    /// Nil for an error that has no place.
    init?(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            self.problem = problem
            place = Place(mark)
            self.context = context.map { ($0.text, Place($0.mark)) }
        default: return nil
        }
    }

    func says(_ words: String) -> Bool { problem.contains(words) }

    func isAbout(_ words: String) -> Bool { context?.text.contains(words) ?? false }
}
