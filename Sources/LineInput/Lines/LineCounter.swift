/// Counts lines while their bytes go by, in pieces of any size: CR LF ends one line, wherever it is cut.
struct LineCounter {
    /// Lines that ended.
    private(set) var lines: UInt64
    /// The last byte was a CR: a LF that follows belongs to it.
    private var isBehindReturn = false

    init(lines: UInt64 = 0) { self.lines = lines }

    mutating func pass(_ byte: UInt8) {
        if byte == InputWindow.carriageReturn || (byte == InputWindow.lineFeed && !isBehindReturn) { lines += 1 }
        isBehindReturn = byte == InputWindow.carriageReturn
    }

    mutating func pass(_ bytes: some Sequence<UInt8>) {
        // A local copy stays in registers.
        var counter = self
        for byte in bytes { counter.pass(byte) }
        self = counter
    }

    /// Something that wasn't counted stands between what was and what comes.
    mutating func interrupt() { isBehindReturn = false }
}
