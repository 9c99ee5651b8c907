public import PipelineCore
internal import StoreFormat

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A spool that was found to be what was written.
public struct SpoolContent: Sendable {
    public var path: String
    /// Where the content ends in the file.
    public var end: UInt64
    /// Whether a seal says so; in the first format user IDs had none.
    var isSealed: Bool
}

/// Whether a spool still is what was written.
extension SpoolFolder {
    /// What is kept of a run's input, once the whole of it was compared with its seal. Nil where there is nothing, or where this
    /// user may not read it.
    ///
    /// - Parameter needsSeal: what has none can't be told from something that was cut off.
    /// - Throws: `PipelineError` of kind `.configuration` where a later version wrote it, or it isn't what was written.
    public func content(of run: InputRun, needsSeal: Bool = false) throws -> SpoolContent? {
        let path = path(of: run)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if [ENOENT, ENOTDIR, EACCES, EPERM].contains(errno) { return nil }
            throw Self.unreadable(path, SystemFailure.text(errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path, SystemFailure.text(errno)) }
        let size = Int(status.st_size)
        let sealPlace = size - SpoolSeal.length
        guard sealPlace >= 0 else { throw Self.unreadable(path, "it is cut off") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        func bytes(_ count: Int, at place: Int) throws -> UnsafeRawBufferPointer {
            var filled = 0
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(place + filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    throw Self.unreadable(path, got < 0 ? SystemFailure.text(errno) : "it is cut off")
                }
                filled += got
            }
            return UnsafeRawBufferPointer(rebasing: buffer[..<count])
        }
        let last = Array(try bytes(SpoolSeal.length, at: sealPlace))
        guard let format = SpoolSeal.format(last) else {
            if needsSeal { throw Self.unreadable(path, "it is cut off, or was changed") }
            return SpoolContent(path: path, end: UInt64(size), isSealed: false)
        }
        try format.check(of: path)
        var seal = SpoolSeal()
        var place = 0
        while place < sealPlace {
            try Task.checkCancellation()
            let count = min(buffer.count, sealPlace - place)
            seal.add(try bytes(count, at: place))
            place += count
        }
        guard seal.matches(last) else { throw Self.unreadable(path, "it was changed, or its disk has failed") }
        return SpoolContent(path: path, end: UInt64(sealPlace), isSealed: true)
    }

    /// - Parameter clause: what is wrong with the file, in the form "it is cut off".
    static func unreadable(_ path: String, _ clause: String) -> PipelineError {
        StoreFormat.unreadable(
            path, "\(clause); this run's input is kept aside there",
            hint: "Delete that file and run again: the input is then read anew, and the run goes on if it still begins "
                + "with the same IDs.")
    }
}
