#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A place in the file system, whatever its spelling: symbolic links and `..` are followed, also where nothing stands
/// there yet, and what exists is known by its device and inode, so that hard links and mounts are told, too.
struct FilePlace: Sendable {
    struct Identity: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
    }

    /// Links that are followed on the way to one place; the kernel's own limit.
    private static let maximumLinks = 40

    /// The names on the way from the root.
    private let names: [String]
    /// What stands at each of them, as far as it exists, the root first.
    private let identities: [Identity?]

    /// - Parameter path: absolute; `-` is the file that standard input is read from.
    init(_ path: String) {
        guard path != "-" else {
            names = ["-"]
            identities = [nil, Self.regularStandardInput]
            return
        }
        names = Self.resolved(path)
        var identities = [Self.identity("/")]
        var current = ""
        for name in names {
            current += "/" + name
            identities.append(Self.identity(current))
        }
        self.identities = identities
    }

    var path: String { "/" + names.joined(separator: "/") }
    /// What stands there; nil for nothing.
    var identity: Identity? { identities.last ?? nil }

    func isSame(as other: FilePlace) -> Bool {
        if let identity, identity == other.identity { return true }
        return names == other.names
    }

    /// The path from another place to this one: empty for the same place, nil where this isn't below it.
    func path(below other: FilePlace) -> String? {
        if isSame(as: other) { return "" }
        if names.count > other.names.count, names.starts(with: other.names) {
            return names.dropFirst(other.names.count).joined(separator: "/")
        }
        guard let folder = other.identity, let level = identities.lastIndex(of: folder) else { return nil }
        return names.dropFirst(level).joined(separator: "/")
    }

    // MARK: As the system has it

    /// The names that lead to a place without links. What can't be looked at is taken as it is written.
    private static func resolved(_ path: String) -> [String] {
        var rest = Array(path.split(separator: "/").reversed()).map(String.init)
        var names: [String] = []
        var links = 0
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = names.popLast()
                continue
            }
            let candidate = "/" + (names + [name]).joined(separator: "/")
            guard links < maximumLinks, let target = link(candidate) else {
                names.append(name)
                continue
            }
            links += 1
            if target.hasPrefix("/") { names = [] }
            rest += target.split(separator: "/").reversed().map(String.init)
        }
        return names
    }

    /// What a symbolic link says; nil for anything else.
    private static func link(_ path: String) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &text, text.count)
        return count > 0 ? String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        return stat(path, &status) == 0 ? Identity(status) : nil
    }

    private static var regularStandardInput: Identity? {
        var status = stat()
        guard fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Identity(status)
    }
}

extension FilePlace.Identity {
    init(_ status: stat) {
        // The types differ between systems.
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
}
