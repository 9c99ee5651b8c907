/// The names within a run's folder, under way or published.
///
/// ```
/// checkpoint.json                        while the run is under way
/// manifest.json                          once it is complete
/// endpoints/00000.ndjson.gz              a table's files, from 0 on
/// failures.1/00000.ndjson.gz             a table that was written anew, until the run is published
/// ```
struct RunLayout: Sendable {
    static let checkpoint = "checkpoint.json"
    static let manifest = "manifest.json"

    /// What is written beside its place before it takes it.
    static func nascent(_ name: String) -> String { "\(name).new" }

    /// The folder of a table; no table's name holds a dot.
    ///
    /// - Parameter generation: how often the table was written anew.
    static func folder(_ table: String, generation: Int = 0) -> String {
        generation == 0 ? table : "\(table).\(generation)"
    }

    /// The table whose folder has this name, whatever its generation.
    static func table(ofFolder name: String) -> String? { name.split(separator: ".").first.map(String.init) }

    let fileExtension: String

    /// `endpoints/00003.ndjson.gz`
    ///
    /// - Parameter folder: as `folder(_:generation:)` names it.
    func file(_ number: Int, in folder: String) -> String {
        let digits = String(number)
        return "\(folder)/\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).\(fileExtension)"
    }
}
