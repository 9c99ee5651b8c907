internal import PipelineCore

extension ArchiveListing {
    /// What a path stands for, without listing it: whether a place below its first folder is among the files.
    static func files(_ path: PathOption) -> InputFiles {
        let written = path.written.split(separator: "/")
        guard !FileStatus.exists(path.resolved),
            let first = written.firstIndex(where: { GlobPattern.isPattern($0) })
        else {
            return InputFiles(base: path.resolved) { name, _ in isVisible(name.split(separator: "/")[...]) }
        }
        let components = Array(written[first...])
        let front = path.resolved.split(separator: "/").dropLast(components.count)
        return InputFiles(base: "/" + front.joined(separator: "/")) { name, isFolder in
            matches(components[...], name.split(separator: "/")[...], isFolder: isFolder)
        }
    }

    /// Whether a glob matches a path, or, of a folder, may match one in it.
    private static func matches(
        _ pattern: ArraySlice<Substring>, _ names: ArraySlice<Substring>, isFolder: Bool
    ) -> Bool {
        // Of a folder that is matched, all is read.
        guard let component = pattern.first else { return isVisible(names) }
        guard let name = names.first else { return isFolder }
        if component == "**" {
            if pattern.count == 1 { return isVisible(names) }
            return matches(pattern.dropFirst(), names, isFolder: isFolder)
                || !name.hasPrefix(".") && matches(pattern, names.dropFirst(), isFolder: isFolder)
        }
        return GlobPattern(component).matches(String(name))
            && matches(pattern.dropFirst(), names.dropFirst(), isFolder: isFolder)
    }

    private static func isVisible(_ names: ArraySlice<Substring>) -> Bool { !names.contains { $0.hasPrefix(".") } }
}
