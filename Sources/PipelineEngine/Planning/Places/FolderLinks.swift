internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Other names, in a folder that is read, for what stands elsewhere: symbolic links, and hard links to certain files.
struct FolderLinks {
    /// A folder with more entries isn't looked through to its end: a check must stay quick.
    private static let maximumEntries = 20_000

    /// Their paths, relative to the folder.
    private(set) var names: [String] = []
    private let files: InputFiles
    private let wanted: Set<FilePlace.Identity>
    private let inodes: Set<UInt64>
    private var entries = 0

    /// - Parameter wanted: the files whose further names are looked for.
    init(in files: InputFiles, to wanted: Set<FilePlace.Identity>) {
        self.files = files
        self.wanted = wanted
        inodes = Set(wanted.map(\.inode))
        look("", depth: 0)
    }

    private mutating func look(_ folder: String, depth: Int) {
        // A folder that can't be opened is told by whoever reads it.
        guard depth < 64, let stream = opendir(folder.isEmpty ? files.base : files.base + "/" + folder) else { return }
        defer { closedir(stream) }
        while entries < Self.maximumEntries, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            entries += 1
            let path = folder.isEmpty ? name : folder + "/" + name
            switch Int(entry.pointee.d_type) {
            case Int(DT_LNK): if files.reads(path, true) { names.append(path) }
            case Int(DT_DIR): if files.reads(path, true) { look(path, depth: depth + 1) }
            default:
                guard inodes.contains(UInt64(entry.pointee.d_ino)), files.reads(path, false),
                    let identity = FilePlace(files.base + "/" + path).identity, wanted.contains(identity)
                else { continue }
                names.append(path)
            }
        }
    }
}
