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
    /// An endpoint a line.
    case archive

    /// So much of a file, inflated, is looked at.
    private static let headSize = 256 * 1024

    /// Checks that nothing is at a path, or a file that may be written over: an empty one, one of this form, also where
    /// writing it was cut off, or a terminal or pipe, in which nothing is kept.
    ///
    /// - Throws: `OutputFileError`
    public func requireReplaceable(_ path: String) throws(OutputFileError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFCHR, S_IFIFO: return
        case S_IFREG: break
        default: throw OutputFileError(path: path, reason: "it is no regular file")
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
        case .archive:
            var last = 0
            return !lines.isEmpty
                && lines.allSatisfy { line in
                    guard line.first == UInt8(ascii: "{"), let user = Self.user(in: line), user >= last else {
                        return false
                    }
                    last = user
                    return true
                }
        }
    }

    private static func isOutcome(_ index: Int, _ line: ArraySlice<UInt8>) -> Bool {
        let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        return fields.count == 3 && fields[0].elementsEqual(SyntheticPopulation.id(at: index))
            && (fields[1].elementsEqual("found".utf8) || fields[1].elementsEqual("absent".utf8))
            && Int(String(decoding: fields[2], as: UTF8.self)) != nil
    }

    /// The number in the ID `user-…` of an endpoint; nil where it has none.
    private static func user(in line: ArraySlice<UInt8>) -> Int? {
        // The ID may be spelled with escapes.
        let text = unescaped(String(decoding: line, as: UTF8.self))
        for range in text.ranges(of: "\"UserId\"") {
            let value = text[range.upperBound...].drop { $0 == ":" || $0 == " " || $0 == "\t" }
            guard value.hasPrefix("\"user-") else { continue }
            let digits = value.dropFirst("\"user-".count).prefix { $0.isASCII && $0.isNumber }
            if digits.count >= 6, value[digits.endIndex...].hasPrefix("\"") { return Int(digits) }
        }
        return nil
    }

    private static func unescaped(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let escape = rest.firstRange(of: "\\u") {
            result += rest[..<escape.lowerBound]
            let digits = rest[escape.upperBound...].prefix(4)
            if let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code), scalar.isASCII {
                result.unicodeScalars.append(scalar)
            }
            rest = rest[digits.endIndex...]
        }
        return result + rest
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
