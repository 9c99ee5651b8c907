internal import Glibc

/// Where lines end: with LF, CR LF or CR.
extension InputWindow {
    /// The index of the first LF or CR from an index on, as far as the window reaches.
    func lineBreak(from index: Int) -> Int? {
        let bytes = bytes
        guard let base = bytes.baseAddress else { return nil }
        var index = index
        // In blocks, so that a file that has no LF at all isn't searched for one up to its end for each of its lines.
        while index < bytes.count {
            let block = min(4096, bytes.count - index)
            let feed = memchr(base + index, Int32(Self.lineFeed), block).map { UnsafeRawPointer($0) - base }
            let part = (feed ?? index + block) - index
            if let found = memchr(base + index, Int32(Self.carriageReturn), part) {
                return UnsafeRawPointer(found) - base
            }
            if let feed { return feed }
            index += block
        }
        return nil
    }

    /// The length of the line break at an index: CR LF is one. The window may be extended.
    func lineBreakLength(at index: Int) throws -> Int {
        guard bytes[index] == Self.carriageReturn else { return 1 }
        if index + 1 == count {
            // The CR has ended the line: what is appended later begins another one.
            let ended = endedWithinRecord
            defer { endedWithinRecord = ended }
            if try !extend() { return 1 }
        }
        return bytes[index + 1] == Self.lineFeed ? 2 : 1
    }

    /// Consumes the rest of a line of any length with its break, and holds no more of it than the window has; false where
    /// the input ends before the break.
    func consumeLine() throws -> Bool {
        repeat {
            if let index = lineBreak(from: 0) {
                consume(index + (try lineBreakLength(at: index)))
                return true
            }
            consume(count)
        } while try extend()
        return false
    }

    /// The index of the first byte of a value; nil where the input has none, all of which is in the window then.
    ///
    /// - Throws: `InputDamage`.
    public func firstIndex(of byte: UInt8) throws -> Int? {
        var searched = 0
        while true {
            let bytes = bytes
            if bytes.count > searched, let base = bytes.baseAddress,
                let found = memchr(base + searched, Int32(byte), bytes.count - searched)
            {
                return UnsafeRawPointer(found) - base
            }
            searched = bytes.count
            if try !extend() { return nil }
        }
    }
}
