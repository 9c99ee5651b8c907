internal import LocalFiles

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The locks under which runs write into a database.
enum DatabaseLocks {
    /// So many shards are asked for by number, where no file names them.
    private static let mostShards = 256

    /// The locks of a pipeline's shards that are held at a database, by the names of their files.
    static func held(_ path: String, _ pipeline: String) -> Set<String> {
        // Somebody may have deleted a lock file; its holder has marked the database itself.
        let names = (0..<Self.mostShards).map { "\(pipeline).\($0)" }
        var held = Set(RunLock.marked(path, of: names).map { "\(path).\($0).lock" })
        guard let slash = path.lastIndex(of: "/"), let folder = opendir(String(path[...slash])) else { return held }
        defer { closedir(folder) }
        let start = "\(path[path.index(after: slash)...]).\(pipeline)."
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(start), name.hasSuffix(".lock") else { continue }
            let lock = "\(path[...slash])\(name)"
            if RunLock.isHeld(path: lock) == true { held.insert(lock) }
        }
        return held
    }
}
