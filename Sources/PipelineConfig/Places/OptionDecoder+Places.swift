internal import PipelineCore

extension OptionDecoder {
    /// Reports places at which one part of the pipeline would write over what another one reads or writes.
    ///
    /// - Parameters:
    ///   - state: nil where the state directory isn't the pipeline's own.
    ///   - conflicts: compares them as the file system has them.
    mutating func checkPlaces(
        _ root: DocumentNode, file: String, source: DecodedPlugin, sinks: [DecodedPlugin], report: PathOption?,
        state: PathOption?, conflicts: ([PlannedPlace], _ pipeline: String) -> [PlaceConflict]
    ) {
        var places = source.places(of: .source, label: "the source")
        let folder = FileContents.folder(of: file)
        let own = FileContents.resolve(file.split(separator: "/").last.map(String.init) ?? file, in: folder)
        places.append(
            LocatedPlace(planned: PlannedPlace(owner: .pipeline, label: "the pipeline", role: .input, path: own)))
        for (path, place) in referencedFiles {
            places.append(
                LocatedPlace(
                    planned: PlannedPlace(owner: .reference, label: "a reference", role: .input, path: path),
                    place: place))
        }
        for (index, sink) in sinks.enumerated() {
            places += sink.places(of: .sink(index), label: "sink '\(sink.name)'")
        }
        if let state {
            places.append(
                LocatedPlace(
                    planned: PlannedPlace(
                        owner: .stateDirectory, label: "the state directory",
                        role: .outputFolder(entries: [], holdsRuns: false), path: state.resolved),
                    place: root["state_directory"]?.place))
        }
        if let report {
            let place = root["report"]?["json"]?.place
            places.append(
                LocatedPlace(
                    planned: PlannedPlace(
                        owner: .report, label: "the report", role: .outputFile(companions: []), path: report.resolved),
                    place: place))
            if report.written.hasSuffix("/") {
                diagnostics.error("'json' must name a file, not a folder", at: place)
            }
        }
        for conflict in conflicts(places.map(\.planned), context.pipeline) {
            let place = places[conflict.index].place ?? conflict.otherIndex.flatMap { places[$0].place }
            diagnostics.error(conflict.message, at: place, hint: conflict.hint)
        }
        checkTargets(of: sinks)
    }

    /// Two sinks of one type at one place that is no file, such as a schema of a database, would wait for each other's
    /// lock for ever.
    private mutating func checkTargets(of sinks: [DecodedPlugin]) {
        var seen: [String: String] = [:]
        for sink in sinks {
            guard let target = (sink.product as? any Sink)?.targetIdentity else { continue }
            let isFile = sink.places(of: .source, label: "").contains(where: \.planned.isOutput)
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
