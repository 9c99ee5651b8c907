internal import Glibc
internal import LineInput
internal import LocalFiles
internal import PipelineCore

/// The names that a path stands for, in byte order: files, and what is left out. Nothing but folders is opened.
///
/// - A file is itself, a folder all files in it and its subfolders, and a glob what it matches; `**` as a component is any
///   number of folders. A name that exists is taken as it is, whatever characters are in it.
/// - Left out, each as one name, are those that begin with a dot, unless a glob's component begins with one too; what
///   `include` and `exclude` say; links in circles; what is no regular file; marks of other programs. Of a folder that is left
///   out nobody looks at what is in it.
/// - Symbolic links are followed, and each folder is read once, so links that lead in circles end.
struct ArchiveListing {
    private(set) var names: [ListedFile] = []
    /// The path names one file, which was meant.
    private(set) var isOneFile = false
    /// Why files can't be opened, by name.
    private var problems: [String: String] = [:]

    let path: PathOption
    private let filter: NameFilter
    private let warn: (String) -> Void
    /// The folder that relative names begin in, as it is opened and as it is shown; empty is the root.
    private var base = ""
    private var shownBase = ""
    private var components: [Substring] = []
    /// Many ways may lead to one name.
    private var known: Set<String> = []
    /// There is something beside what is left out.
    private var hasFile = false
    /// Something was left out because of `include` or `exclude`.
    private var isFiltered = false
    private var foldersRead: Set<FileStatus.Identity> = []
    /// Folders in which a component has been looked for.
    private var lookedIn: Set<Look> = []

    private struct Look: Hashable {
        var component: Int
        var folder: FileStatus.Identity
    }

    /// What is read in place of the one file.
    private let stream: InputStream?

    /// A stream as the one file of an archive.
    init(stream: InputStream, shown: String) {
        self.stream = stream
        path = PathOption(written: shown, resolved: shown)
        filter = NameFilter()
        warn = { _ in }
        isOneFile = true
        names = [ListedFile(name: shown, size: 0, modified: 0, inode: 0)]
    }

    /// - Throws: `PipelineError` of kind `.noInput` where there is no file, or something can't be listed.
    init(_ path: PathOption, _ filter: NameFilter, warn: @escaping (String) -> Void) throws {
        stream = nil
        self.path = path
        self.filter = filter
        self.warn = warn
        let written = path.written.split(separator: "/")
        let firstPattern = written.firstIndex { GlobPattern.isPattern($0) }
        if !FileStatus.exists(path.resolved), let firstPattern {
            try expand(path.written, firstPattern, written)
        } else {
            try list()
        }
        if !hasFile {
            throw PipelineError(
                .noInput, "no file of \(path.written) is left",
                hint: "Check 'include' and 'exclude', and what was left out.")
        }
        names.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        known = []
        foldersRead = []
        lookedIn = []
    }

    func file(_ number: Int) -> ArchiveFile {
        let listed = names[number]
        return ArchiveFile(
            listed: listed, path: isOneFile ? path.resolved : opened(listed.name),
            shown: isOneFile ? path.written : shown(listed.name), problem: problems[listed.name], stream: stream)
    }

    private mutating func list() throws {
        let status = try status(of: path.resolved, shown: path.written)
        base = path.resolved.withoutTrailingSlashes
        shownBase = path.written.withoutTrailingSlashes
        switch status.kind {
        case .file:
            isOneFile = true
            let name = path.written.split(separator: "/").last.map(String.init) ?? path.written
            guard filter.takes(name) else { return skip(name) }
            names = [ListedFile(status, name: name)]
            hasFile = true
        case .folder:
            try addFolder("", status)
            if !hasFile, !isFiltered {
                throw PipelineError(
                    .noInput, "the folder \(path.written) holds no file",
                    hint: "Set 'path' to the folder, file or glob of the export.")
            }
        case .other:
            throw PipelineError(
                .noInput, "\(path.written) is neither a file nor a folder",
                hint: "An archive is read from regular files, because a resumed run reads them again.")
        }
    }

    private mutating func expand(_ text: String, _ firstPattern: Int, _ written: [Substring]) throws {
        components = Array(written[firstPattern...])
        // What is resolved ends with the components as they were written.
        let resolved = path.resolved.split(separator: "/")
        let front = resolved.dropLast(components.count).joined(separator: "/")
        base = path.resolved.hasPrefix("/") ? "/" + front : front
        shownBase = (text.hasPrefix("/") ? "/" : "") + written[..<firstPattern].joined(separator: "/")
        if FileStatus.exists(base) { try match(0, "") }
        if !hasFile, !isFiltered {
            throw PipelineError(
                .noInput, "no file matches \(path.written)",
                hint: "Check 'path'; a pattern doesn't match names that begin with a dot.")
        }
    }

    // MARK: - Globs

    /// Looks for a component of the glob in a folder.
    private mutating func match(_ component: Int, _ folder: String) throws {
        guard component < components.count else { return try add(folder, isMatch: true) }
        let pattern = components[component]
        guard let status = try folderStatus(folder) else { return }
        guard lookedIn.insert(Look(component: component, folder: status.identity)).inserted else { return }
        if pattern == "**" {
            if component + 1 == components.count { return try addFolder(folder, status) }
            try match(component + 1, folder)
            for name in try visibleNames(folder) {
                let name = join(folder, name)
                if try folderStatus(name) != nil { try match(component, name) }
            }
        } else if GlobPattern.isPattern(pattern) {
            let matcher = GlobPattern(pattern)
            for name in try allNames(folder) where matcher.matches(name) {
                try match(component + 1, join(folder, name))
            }
        } else {
            let name = join(folder, String(pattern))
            if FileStatus.exists(opened(name)) { try match(component + 1, name) }
        }
    }

    // MARK: - Folders

    private mutating func addFolder(_ folder: String, _ status: FileStatus) throws {
        guard foldersRead.insert(status.identity).inserted else { return }
        try Task.checkCancellation()
        let names = try allNames(folder)
        let hidden = names.filter { $0.hasPrefix(".") }
        for name in hidden { leaveOut(join(folder, name), "its name begins with a dot") }
        if let first = hidden.first.map({ shown(join(folder, $0)) }) {
            warn(
                hidden.count == 1
                    ? "\(first) is left out: its name begins with a dot"
                    : "\(first) and \(hidden.count - 1) more are left out: their names begin with a dot")
        }
        for name in names where !name.hasPrefix(".") { try add(join(folder, name), isMatch: false) }
    }

    private mutating func add(_ name: String, isMatch: Bool) throws {
        guard !filter.excludes(name) else { return skip(name) }
        let status: FileStatus
        do throws(FileStatus.Failure) { status = try FileStatus.of(opened(name)) } catch {
            switch error.number {
            case ELOOP: return leaveOutTelling(name, "a symbolic link that leads back to itself")
            case ENOENT where FileStatus.exists(opened(name)):
                return addFile(
                    ListedFile(name: name, size: 0, modified: 0, inode: 0),
                    problem: "a symbolic link to something that doesn't exist")
            default:
                throw problem(error.number, path: opened(name), shown: shown(name))
            }
        }
        switch status.kind {
        case .folder: try addFolder(name, status)
        case .file:
            addFile(
                ListedFile(status, name: name),
                problem: FileStatus.isForbidden(opened(name)) ? "a file that this user may not read" : nil)
        case .other: leaveOutTelling(name, "no regular file")
        }
    }

    private mutating func addFile(_ file: ListedFile, problem: String?) {
        guard filter.takes(file.name) else { return skip(file.name) }
        hasFile = true
        if let junk = ArchiveContent.junk(named: file.name) { return leaveOutTelling(file.name, junk) }
        guard known.insert(file.name).inserted else { return }
        names.append(file)
        if let problem { problems[file.name] = problem }
    }

    /// Leaves out what the configuration says.
    private mutating func skip(_ name: String) {
        isFiltered = true
        leaveOut(name, filter.excludes(name) ? "'exclude' names it" : "'include' doesn't name it")
    }

    private mutating func leaveOutTelling(_ name: String, _ reason: String) {
        if leaveOut(name, reason) { warn("\(shown(name)) is left out: it is \(reason)") }
    }

    /// - Returns: Whether it is new.
    @discardableResult private mutating func leaveOut(_ name: String, _ reason: String) -> Bool {
        guard known.insert(name).inserted else { return false }
        names.append(ListedFile(name: name, leftOut: reason))
        return true
    }

    /// The status of a folder; nil for what is none, or leads nowhere.
    private func folderStatus(_ name: String) throws -> FileStatus? {
        do throws(FileStatus.Failure) {
            let status = try FileStatus.of(opened(name))
            return status.kind == .folder ? status : nil
        } catch {
            if [ENOENT, ENOTDIR, ELOOP].contains(error.number) { return nil }
            throw problem(error.number, path: opened(name), shown: shown(name))
        }
    }

    private func visibleNames(_ folder: String) throws -> [String] {
        try allNames(folder).filter { !$0.hasPrefix(".") }
    }

    private func allNames(_ folder: String) throws -> [String] {
        let names: [String?]
        do throws(FileStatus.Failure) { names = try FileStatus.names(inFolder: opened(folder)) } catch {
            throw PipelineError(
                .noInput, "the folder \(shown(folder)) can't be read: \(SystemFailure.text(error.number))",
                hint: "Mend the cause and run again.")
        }
        return try names.map { name in
            guard let name else {
                throw PipelineError(
                    .noInput, "the folder \(shown(folder)) holds a name that is not valid UTF-8",
                    hint: "Rename the file or folder, or name the others with a glob.")
            }
            return name
        }
    }

    private func status(of path: String, shown: String) throws -> FileStatus {
        do throws(FileStatus.Failure) { return try FileStatus.of(path) } catch {
            throw problem(error.number, path: path, shown: shown)
        }
    }

    private func problem(_ number: Int32, path: String, shown: String) -> PipelineError {
        let problem =
            switch number {
            case ENOENT where FileStatus.exists(path): "\(shown) is a symbolic link to something that doesn't exist"
            case ELOOP: "\(shown) is a symbolic link that leads back to itself"
            case ENOENT: "\(shown) doesn't exist"
            default: "\(shown) can't be read: \(SystemFailure.text(number))"
            }
        return PipelineError(.noInput, problem, hint: "Mend or remove it, or correct 'path', and run again.")
    }

    // MARK: - Names

    private func join(_ folder: String, _ name: String) -> String { folder.isEmpty ? name : folder + "/" + name }

    private func opened(_ name: String) -> String { name.isEmpty ? (base.isEmpty ? "/" : base) : base.slashed + name }

    private func shown(_ name: String) -> String {
        if name.isEmpty { return shownBase.isEmpty ? "." : shownBase }
        return shownBase.isEmpty && !path.written.hasPrefix("/") ? name : shownBase.slashed + name
    }
}

extension String {
    fileprivate var withoutTrailingSlashes: String {
        var text = self
        while text.count > 1, text.hasSuffix("/") { text.removeLast() }
        return text
    }

    fileprivate var slashed: String { hasSuffix("/") ? self : self + "/" }
}
