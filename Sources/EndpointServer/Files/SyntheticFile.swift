internal import CZlib

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// The files that a synthetic population is written to, which are known again by their form.
///
/// A file in that form can be made again at any time, so writing over it loses nothing; any other is somebody's.
public enum SyntheticFile: Sendable {
    /// The IDs in order, one a line.
    case ids
    /// CSV with a line for each user.
    case outcomes
    /// An endpoint a line, of this application's users. Real exports look much the same, so the lines are compared with
    /// those that this seed gives, or one of the first hundred.
    case archive(seed: UInt64, applicationID: String)

    /// So much of a file, inflated, is looked at.
    private static let headSize = 256 * 1024

    /// Checks that nothing is at a path, or a file that may be written over: an empty one, one of this form, also where
    /// writing it was cut off, or a terminal or pipe, in which nothing is kept.
    ///
    /// - Throws: `OutputFileError`
    public func requireReplaceable(_ path: String) throws(OutputFileError) {
        var status = stat()
        // What stands under /dev leads to where the caller has sent this program's output.
        guard (Self.isDevice(path) ? stat(path, &status) : lstat(path, &status)) == 0 else {
            if errno == ENOENT { return }
            throw OutputFileError(path: path, reason: String(cString: strerror(errno)))
        }
        switch status.st_mode & S_IFMT {
        case S_IFCHR, S_IFIFO: return
        case S_IFREG: break
        case S_IFLNK:
            throw OutputFileError(path: path, reason: "it is a symbolic link (--force writes to where it leads)")
        default: throw OutputFileError(path: path, reason: "it is no regular file")
        }
        if status.st_nlink > 1, !Self.isDevice(path) {
            throw OutputFileError(
                path: path, reason: "the file has \(status.st_nlink) names (hard links; --force writes over it)")
        }
        if status.st_size == 0 { return }
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw OutputFileError(path: path, reason: String(cString: strerror(errno))) }
        defer { close(file) }
        guard isMade(by: Self.head(of: file)) else {
            throw OutputFileError(
                path: path, reason: "a file that this command hasn't made is there (--force writes over it)")
        }
    }

    /// Whether this is the beginning of a file of this form. The last line may be cut off.
    private func isMade(by head: [UInt8]) -> Bool {
        var lines = head.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let rest = lines.popLast() else { return false }
        switch self {
        case .ids:
            return lines.indices.allSatisfy { lines[$0].elementsEqual(SyntheticPopulation.id(at: $0)) }
                && (SyntheticPopulation.id(at: lines.count) + [UInt8(ascii: "\n")]).starts(with: rest)
        case .outcomes:
            let header = Array("user_id,status,endpoint_count".utf8)
            guard let first = lines.first else { return header.starts(with: rest) }
            return first.elementsEqual(header) && lines.dropFirst().enumerated().allSatisfy(Self.isOutcome)
        case .archive(let seed, let applicationID):
            return !head.isEmpty
                && ([seed] + (0..<100)).contains { Self.isArchive(head, seed: $0, applicationID: applicationID) }
        }
    }

    static func isDevice(_ path: String) -> Bool { path.hasPrefix("/dev/") }

    /// Whether these are the first bytes of the archive that a seed gives, however many users it has.
    private static func isArchive(_ head: [UInt8], seed: UInt64, applicationID: String) -> Bool {
        let population = SyntheticPopulation(users: .max, seed: seed)
        let application = Array(applicationID.utf8)
        var rest = head[...]
        var synthesis = EndpointSynthesis()
        var index = 0
        while !rest.isEmpty {
            let user = population.user(at: index)
            for endpoint in 0..<user.endpointCount {
                synthesis.text.bytes.removeAll(keepingCapacity: true)
                synthesis.append(user, endpoint: endpoint, application: application)
                synthesis.text.raw("\n")
                guard synthesis.text.bytes.starts(with: rest.prefix(synthesis.text.bytes.count)) else { return false }
                rest = rest.dropFirst(synthesis.text.bytes.count)
                if rest.isEmpty { return true }
            }
            index += 1
        }
        return true
    }

    private static func isOutcome(_ index: Int, _ line: ArraySlice<UInt8>) -> Bool {
        let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        return fields.count == 3 && fields[0].elementsEqual(SyntheticPopulation.id(at: index))
            && (fields[1].elementsEqual("found".utf8) || fields[1].elementsEqual("absent".utf8))
            && Int(String(decoding: fields[2], as: UTF8.self)) != nil
    }

    // MARK: Reading

    private static func head(of file: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headSize)
        var count = 0
        while count < headSize {
            let read = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress.map { $0 + count }, headSize - count, off_t(count))
            }
            if read < 0, errno == EINTR { continue }
            // What can't be read isn't known again.
            guard read >= 0 else { return [] }
            if read == 0 { break }
            count += read
        }
        bytes.removeLast(headSize - count)
        return bytes.starts(with: [0x1F, 0x8B]) ? inflated(bytes) : bytes
    }

    private static func inflated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var output = [UInt8](repeating: 0, count: headSize)
        var stream = z_stream()
        guard
            inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return [] }
        defer { inflateEnd(&stream) }
        let count = bytes.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { space in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = space.baseAddress
                stream.avail_out = UInt32(space.count)
                // A file that was cut off gives what it has.
                _ = inflate(&stream, Z_NO_FLUSH)
                return space.count - Int(stream.avail_out)
            }
        }
        return Array(output[..<count])
    }
}
