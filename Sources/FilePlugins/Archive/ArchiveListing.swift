internal import Glibc
internal import LocalFiles
internal import PipelineCore

/// The files that a path stands for, in byte order of their relative names.
///
/// - A file is itself, a folder all files in it and its subfolders, and a glob what it matches; `**` as a component is any
///   number of folders. A name that exists is taken as it is, whatever characters are in it.
/// - Names that begin with a dot are left out, unless a glob's component begins with one too.
/// - Symbolic links are followed, and each folder is read once, so links that lead in circles end.
struct ArchiveListing {
    private(set) var files: [ArchiveFile] = []
    /// The path names one file, which was meant.
    private(set) var isOneFile = false
    /// Names that were passed over: hidden ones, links in circles, what `include` and `exclude` say. A folder counts once.
    private(set) var leftOut = 0

    private let path: PathOption
    private let filter: NameFilter
    private let warn: (String) -> Void
    /// The folder that relative names begin in, as it is opened and as it is shown; empty is the root.
    private var base = ""
    private var shownBase = ""
    private var components: [Substring] = []
    private var names: Set<String> = []
    /// Something was left out because of `include` or `exclude`.
    private var isFiltered = false
    private var foldersRead: Set<FileStatus.Identity> = []
    /// Folders in which a component has been looked for.
    private var lookedIn: Set<Look> = []

    private struct Look: Hashable {
        var component: Int
        var folder: FileStatus.Identity
    }

    /// - Throws: `PipelineError` of kind `.noInput` where there is no file, or something can't be listed.
    init(_ path: PathOption, _ filter: NameFilter, warn: @escaping (String) -> Void) throws {
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
        if files.isEmpty {
            throw PipelineError(
                .noInput, "no file of \(path.written) is left",
                hint: "Check 'include' and 'exclude', and what was left out.")
        }
        files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
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
            files = [ArchiveFile(name: name, path: path.resolved, shown: path.written, status: status)]
        case .folder:
            try addFolder("", status)
            if files.isEmpty, !isFiltered {
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
        if files.isEmpty, !isFiltered {
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
        let names = try allNames(folder)
        let hidden = names.filter { $0.hasPrefix(".") }
        leftOut += hidden.count
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
            case ELOOP:
                leftOut += 1
                return warn("\(shown(name)) is left out: it is a symbolic link that leads back to itself")
            case ENOENT where FileStatus.exists(opened(name)):
                let nowhere = FileStatus(kind: .other, identity: FileStatus.Identity(device: 0, inode: 0), size: 0)
                return addFile(name, nowhere, problem: "a symbolic link to something that doesn't exist")
            default:
                throw problem(error.number, path: opened(name), shown: shown(name))
            }
        }
        switch status.kind {
        case .folder: try addFolder(name, status)
        case .file:
            addFile(
                name, status, problem: FileStatus.isForbidden(opened(name)) ? "a file that this user may not read" : nil
            )
        case .other:
            leftOut += 1
            warn("\(shown(name)) is left out: it is no regular file")
        }
    }

    private mutating func addFile(_ name: String, _ status: FileStatus, problem: String?) {
        guard filter.takes(name) else { return skip(name) }
        guard names.insert(name).inserted else { return }
        files.append(ArchiveFile(name: name, path: opened(name), shown: shown(name), status: status, problem: problem))
    }

    /// Counts what the configuration leaves out, however many ways lead to it.
    private mutating func skip(_ name: String) {
        isFiltered = true
        if names.insert(name).inserted { leftOut += 1 }
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
