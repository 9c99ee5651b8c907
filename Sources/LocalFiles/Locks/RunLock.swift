internal import PipelineCore
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// An exclusive lock on a file, which dies with its process, however that ends.
///
/// Somebody may delete the file in the middle of a run, and then the next process would lock another file of that name. So
/// the lock is also marked in a file that nobody deletes by mistake: the store itself.
public final class RunLock {
    private let path: String
    private let subject: String
    private var file: Int32
    private var place: Place?
    /// The store's file while it is marked.
    private var marked: (file: Int32, place: Place)?

    /// Takes the lock.
    ///
    /// - Parameters:
    ///   - path: the lock file; it is made, and removed again by `release`.
    ///   - subject: what is locked, for the message to whoever comes second.
    ///   - patience: how long another process may go on holding it.
    /// - Throws: `PipelineError`: `.temporary` where another process holds it, `.configuration` where this one does;
    ///   `.cantCreate` where something else stands at the path, which stays as it is.
    public init(path: String, subject: String, patience: Duration = .zero) throws {
        self.path = path
        self.subject = subject
        file = -1
        let end = ContinuousClock.now + patience
        while true {
            do { file = try FileForWriting.open(path, creating: 0o644) } catch { throw error.pipelineError(path) }
            let number = RangeLock.exclusive.take(file, at: 0, length: 0)
            guard number == 0 else {
                let holder = Self.holder(of: file)
                let isOwn = Place(file, at: 0).map(Self.isOwn) ?? false
                closeFile()
                guard number == EAGAIN else { throw SystemFailure.pipelineError(number, creating: path) }
                if !isOwn, ContinuousClock.now < end {
                    usleep(10_000)
                    continue
                }
                throw isOwn ? heldByItself(holder) : heldByAnother(holder)
            }
            // Before it was locked the last holder may have removed the file: then this is a lock on nothing.
            if isStillInPlace { break }
            closeFile()
        }
        place = Place(file, at: 0)
        if let place { Self.note(place) }
        describeHolder()
    }

    deinit { release() }

    /// Marks the store as locked under a name, so that a process that finds no lock file is kept out as well.
    ///
    /// The file is opened for reading and stays open until the lock is released: closing it would drop the locks that
    /// the process itself has there by other means, such as SQLite's.
    ///
    /// Calling it again marks another file in place of the one before.
    ///
    /// - Parameters:
    ///   - store: a file that exists as long as the store does. Its content isn't touched.
    ///   - name: what is locked within the store.
    /// - Throws: `PipelineError`: `.temporary` where another process has marked it, `.configuration` where this one has.
    public func mark(_ store: String, as name: String) throws {
        let offset = Self.offset(of: name)
        if let place = Place(path: store, at: offset), Self.isOwn(place) {
            if place == marked?.place { return }
            throw heldByItself("process \(getpid()), at another name of \(store)")
        }
        let file = open(store, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw SystemFailure.pipelineError(errno, creating: store) }
        // Shared, because that needs no permission to write; nobody else may have it all the same. Of two that come at the
        // same time both may go, but never both stay.
        let number = RangeLock.shared.take(file, at: offset, length: 1)
        guard number == 0, RangeLock.exclusive.isExcluded(file, at: offset, length: 1) == false else {
            close(file)
            if number != 0, number != EAGAIN { throw SystemFailure.pipelineError(number, creating: store) }
            throw heldByAnother("a process whose lock file, \(path), was deleted")
        }
        guard let place = Place(file, at: offset) else {
            close(file)
            throw SystemFailure.pipelineError(EIO, creating: store)
        }
        Self.note(place)
        unmark()
        marked = (file, place)
    }

    private func unmark() {
        if let marked {
            Self.forget(marked.place)
            close(marked.file)
        }
        marked = nil
    }

    /// Removes the file and lets go. Calling it again does nothing.
    public func release() {
        unmark()
        guard file >= 0 else { return }
        // In this order: nobody else can hold the lock while the file goes. Where it was deleted before, another process may
        // have made its own by now.
        if isStillInPlace { unlink(path) }
        if let place { Self.forget(place) }
        closeFile()
    }

    private func closeFile() {
        close(file)
        file = -1
    }

    private var isStillInPlace: Bool {
        var held = stat()
        var named = stat()
        return fstat(file, &held) == 0 && lstat(path, &named) == 0
            && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }

    /// Where a lock's byte is, among those of all names and stores: FNV-1a, the same in every process and version. Far behind
    /// what a file can hold, and behind the bytes that SQLite locks.
    private static func offset(of name: String) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return 1 << 62 | Int64(hash >> 3)
    }
}

// MARK: - Who holds it

extension RunLock {
    /// Whether a process holds the lock at this moment. Takes nothing and makes nothing.
    ///
    /// - Returns: Nil where that can't be told.
    public static func isHeld(path: String) -> Bool? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT ? false : nil }
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return errno == ENOENT ? false : nil }
        defer { close(file) }
        return RangeLock.exclusive.isExcluded(file, at: 0, length: 0)
    }

    /// The names under which a store is marked at this moment, of those given: their locks are held though their files may have
    /// been deleted. Where the store can't be opened nothing is told.
    public static func marked(_ store: String, of names: [String]) -> Set<String> {
        guard let place = Place(path: store, at: 0) else { return [] }
        let file: Int32? = looked.withLock { looked in
            if let file = looked[place] { return file }
            let file = open(store, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard file >= 0 else { return nil }
            if let opened = Place(file, at: 0) { looked[opened] = file }
            return file
        }
        guard let file else { return [] }
        return Set(names.filter { RangeLock.exclusive.isExcluded(file, at: offset(of: $0), length: 1) == true })
    }

    /// Stores that were looked at. They stay open: closing one would drop the locks that this process has there by other means,
    /// such as SQLite's.
    private static let looked = Mutex<[Place: Int32]>([:])

    private func heldByAnother(_ holder: String) -> PipelineError {
        PipelineError(
            .temporary, "\(subject) is held by \(holder)",
            hint: "Run again when it is done. The lock goes when that process ends; there is nothing to delete.")
    }

    private func heldByItself(_ holder: String) -> PipelineError {
        PipelineError(
            .configuration, "\(subject) is held by this very run (\(holder)): two of its sinks lead to one place",
            hint: "Give each sink a place of its own.")
    }

    /// Says for others who holds the lock. A full disk may leave the file empty; the lock holds all the same.
    private func describeHolder() {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let text = Array("process \(getpid()) on \(host) since \(Timestamp.now.text)\n".utf8)
        ftruncate(file, 0)
        _ = pwrite(file, text, text.count, 0)
    }

    private static func holder(of file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = pread(file, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return text.isEmpty ? "another process" : text
    }

    /// A byte of a file, whatever name leads to it.
    private struct Place: Hashable {
        let device: UInt64
        let inode: UInt64
        let offset: Int64

        init?(_ file: Int32, at offset: Int64) {
            var status = stat()
            guard fstat(file, &status) == 0 else { return nil }
            self.init(status, offset)
        }

        init?(path: String, at offset: Int64) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(status, offset)
        }

        private init(_ status: stat, _ offset: Int64) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            self.offset = offset
        }
    }

    /// What this process holds: the system tells that a lock is held, but not whether it is by oneself.
    private static let own = Mutex<Set<Place>>([])

    private static func isOwn(_ place: Place) -> Bool { own.withLock { $0.contains(place) } }
    private static func note(_ place: Place) { own.withLock { _ = $0.insert(place) } }
    private static func forget(_ place: Place) { own.withLock { _ = $0.remove(place) } }
}
