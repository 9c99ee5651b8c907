internal import Glibc
internal import Synchronization

/// Standard error, shared by log lines and one live line that is drawn again below them.
final class Terminal: Sendable {
    static let standardError = Terminal()

    /// True where a person watches.
    let isInteractive = isatty(STDERR_FILENO) == 1
    private let liveLine = Mutex("")

    /// Writes a whole line above the live one.
    func writeLine(_ line: String) {
        liveLine.withLock { live in
            let text = live.isEmpty ? line + "\n" : "\r\u{1B}[K" + line + "\n" + live
            Self.write(text, to: STDERR_FILENO)
        }
    }

    /// Draws the live line anew; empty removes it. Does nothing where nobody watches.
    func showLive(_ line: String) {
        guard isInteractive else { return }
        liveLine.withLock { live in
            guard live != line else { return }
            live = line
            Self.write("\r\u{1B}[K" + line, to: STDERR_FILENO)
        }
    }

    /// Writes all of a text; a reader that went away isn't an error worth dying for.
    static func write(_ text: String, to file: Int32) {
        var bytes = Substring(text).utf8
        while !bytes.isEmpty {
            let written = bytes.withContiguousStorageIfAvailable { Glibc.write(file, $0.baseAddress, $0.count) }
            if let written, written > 0 {
                bytes = bytes.dropFirst(written)
            } else if written == nil {
                bytes = Substring(String(decoding: Array(bytes), as: UTF8.self)).utf8
            } else if errno != EINTR {
                return
            }
        }
    }

    /// Writes a line to standard output, where results go.
    static func writeResult(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
}
