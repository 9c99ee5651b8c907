internal import PipelineCore

extension OptionDecoder {
    /// Reports places at which one part of the pipeline would write over what another one reads or writes.
    ///
    /// - Parameter state: nil where the state directory isn't the pipeline's own.
    mutating func checkPlaces(
        _ root: DocumentNode, file: String, source: DecodedPlugin, sinks: [DecodedPlugin], report: PathOption?,
        state: PathOption?
    ) {
        var places = source.places(of: .source, label: "the source")
        let folder = FileContents.folder(of: file)
        let own = FileContents.resolve(file.split(separator: "/").last.map(String.init) ?? file, in: folder)
        places.append(
            PlannedPlace(owner: .pipeline, label: "the pipeline", role: .input, file: FilePlace(own), place: nil))
        for (path, place) in referencedFiles {
            places.append(
                PlannedPlace(
                    owner: .reference, label: "a reference", role: .input, file: FilePlace(path), place: place))
        }
        for (index, sink) in sinks.enumerated() {
            places += sink.places(of: .sink(index), label: "sink '\(sink.name)'")
        }
        if let state {
            places.append(
                PlannedPlace(
                    owner: .stateDirectory, label: "the state directory",
                    role: .outputFolder(entries: [], holdsRuns: false),
                    file: FilePlace(state.resolved), place: root["state_directory"]?.place))
        }
        if let report {
            let place = root["report"]?["json"]?.place
            places.append(
                PlannedPlace(
                    owner: .report, label: "the report", role: .outputFile(companions: []),
                    file: FilePlace(report.resolved), place: place))
            if report.written.hasSuffix("/") {
                diagnostics.error("'json' must name a file, not a folder", at: place)
            }
        }
        let conflicts = PlaceCheck(places, pipeline: context.pipeline).conflicts
        for conflict in conflicts { diagnostics.error(conflict.message, at: conflict.place, hint: conflict.hint) }
        checkTargets(of: sinks)
    }

    /// Two sinks of one type at one place that is no file, such as a schema of a database, would wait for each other's
    /// lock for ever.
    private mutating func checkTargets(of sinks: [DecodedPlugin]) {
        var seen: [String: String] = [:]
        for sink in sinks {
            guard let target = (sink.product as? any Sink)?.targetIdentity else { continue }
            let isFile = sink.places(of: .source, label: "").contains(where: \.isOutput)
            let key = "\(sink.factory.typeName):\(target)"
            if !isFile, let other = seen[key] {
                diagnostics.error(
                    "sink '\(sink.name)' writes to the same place as sink '\(other)'", at: sink.namePlace,
                    hint: "give each a place of its own")
            } else {
                seen[key] = sink.name
            }
        }
    }
}
