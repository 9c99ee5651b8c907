public import PipelineCore

/// Finds the places of a pipeline at which one part would write over what another one reads or writes.
public struct PlaceCheck {
    /// A place as the file system has it.
    private struct ResolvedPlace {
        var index: Int
        var owner: PlannedPlace.Owner
        var label: String
        var role: PlaceRole
        var file: FilePlace
        /// The files that a database keeps beside its own. Looked up once: every pair of places is compared.
        var companions: [FilePlace]
        var inputs: InputFiles?

        init(_ place: PlannedPlace, index: Int) {
            self.index = index
            (owner, label, role, inputs) = (place.owner, place.label, place.role, place.inputs)
            let file = FilePlace(place.path)
            self.file = file
            if case .outputFile(let endings) = place.role {
                companions = endings.map { FilePlace(file.path + $0) }
            } else {
                companions = []
            }
        }
    }

    /// In the order of the places at fault, one for each at most.
    public private(set) var conflicts: [PlaceConflict] = []
    private let pipeline: String
    private let inputs: [ResolvedPlace]
    /// Where a folder of the source leads to elsewhere, by links in it.
    private var linked: [ResolvedPlace] = []

    /// - Parameters:
    ///   - places: in the order in which the later of two is at fault.
    ///   - pipeline: names its runs.
    public init(_ places: [PlannedPlace], pipeline: String) {
        self.pipeline = pipeline
        let resolved = places.enumerated().map { ResolvedPlace($1, index: $0) }
        inputs = resolved.filter { !places[$0.index].isOutput }
        let outputs = resolved.filter { places[$0.index].isOutput }
        linked = inputs.flatMap { Self.links(of: $0, outputs) }
        for (index, output) in outputs.enumerated() {
            var conflict = overInput(output)
            for earlier in outputs[..<index] where conflict == nil { conflict = overOutput(output, earlier) }
            // One error for each place is enough.
            if let conflict { conflicts.append(conflict) }
        }
    }

    // MARK: What is read

    private func overInput(_ output: ResolvedPlace) -> PlaceConflict? {
        for input in inputs + linked where writes(output, into: input) {
            let what =
                switch input.owner {
                case .pipeline: "over the pipeline's own file"
                case .reference: "over a file that the pipeline takes a value from"
                case .source: "into what the source reads"
                default: "over a file that \(input.label) reads"
                }
            return PlaceConflict(
                index: output.index, message: "\(Self.writing(output)) \(what)", hint: "give it a place of its own")
        }
        return nil
    }

    private func writes(_ output: ResolvedPlace, into input: ResolvedPlace) -> Bool {
        let reads = input.inputs?.reads ?? { name, _ in name.isEmpty }
        switch output.role {
        case .input, .inputs: return false
        case .outputFile:
            return ([output.file] + output.companions).contains { file in
                file.path(below: input.file).map { reads($0, false) } ?? false
            }
        case .outputFolder(let names, let holdsRuns):
            let entries = names + (holdsRuns ? ["\(pipeline)-20000101T000000Z"] : [])
            if let path = output.file.path(below: input.file) {
                return entries.contains { reads(path.isEmpty ? $0 : "\(path)/\($0)", true) }
                    || (entries.isEmpty && reads(path.isEmpty ? "state" : path, true))
                    // A file where a folder is to be.
                    || (path.isEmpty && input.inputs == nil)
            }
            return owns(output, input.file)
        }
    }

    /// Other places that the folder of an input leads to.
    private static func links(of input: ResolvedPlace, _ outputs: [ResolvedPlace]) -> [ResolvedPlace] {
        guard let files = input.inputs else { return [] }
        let resolved = InputFiles(base: input.file.path, reads: files.reads)
        return FolderLinks(in: resolved, to: Set(outputs.compactMap(\.file.identity))).names.map { name in
            var linked = input
            linked.file = FilePlace("\(input.file.path)/\(name)")
            linked.inputs = InputFiles(base: linked.file.path) { path, isFolder in
                files.reads(path.isEmpty ? name : "\(name)/\(path)", isFolder)
            }
            return linked
        }
    }

    // MARK: What is written

    private func overOutput(_ output: ResolvedPlace, _ earlier: ResolvedPlace) -> PlaceConflict? {
        guard let relation = relation(of: output, to: earlier) else { return nil }
        return PlaceConflict(
            index: output.index, otherIndex: earlier.index,
            message: "\(Self.writing(output)) \(relation) \(earlier.label)", hint: "give each a place of its own")
    }

    private func relation(of output: ResolvedPlace, to earlier: ResolvedPlace) -> String? {
        if output.file.isSame(as: earlier.file) { return "to the same place as" }
        switch (output.role, earlier.role) {
        case (.outputFile, .outputFile):
            let isBeside =
                output.companions.contains { $0.isSame(as: earlier.file) }
                || earlier.companions.contains { output.file.isSame(as: $0) }
            if isBeside { return "to a file that belongs to the database of" }
        case (.outputFile, .outputFolder) where output.owner == .report:
            // A report may stand beside what is written there.
            return owns(earlier, output.file) ? "into the files of" : Self.below(earlier, output)
        default: break
        }
        if output.file.path(below: earlier.file) != nil { return "into the folder of" }
        return Self.below(earlier, output)
    }

    /// Whether something else is to stand below a place.
    private static func below(_ earlier: ResolvedPlace, _ output: ResolvedPlace) -> String? {
        earlier.file.path(below: output.file) == nil ? nil : "to a folder that holds the place of"
    }

    /// Whether a place is one of the entries of an output folder, or in one.
    private func owns(_ folder: ResolvedPlace, _ file: FilePlace) -> Bool {
        guard case .outputFolder(let entries, let holdsRuns) = folder.role, let path = file.path(below: folder.file),
            let first = path.split(separator: "/").first
        else { return false }
        let run = "\(pipeline)-"
        return entries.contains(String(first))
            || holdsRuns && first.hasPrefix(run) && first.dropFirst(run.count).first?.isNumber == true
    }

    private static func writing(_ output: ResolvedPlace) -> String {
        switch output.owner {
        case .report: "the report would go"
        case .stateDirectory: "the state directory would go"
        default: "\(output.label) writes"
        }
    }
}
