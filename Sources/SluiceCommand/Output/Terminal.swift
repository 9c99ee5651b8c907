internal import Glibc
internal import PipelineCore
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

    /// Writes all of a text.
    ///
    /// - Returns: False where it couldn't, `errno` says why. A reader that went away isn't told apart from one that read.
    @discardableResult
    static func write(_ text: String, to file: Int32) -> Bool {
        var bytes = Substring(text).utf8
        while !bytes.isEmpty {
            let written = bytes.withContiguousStorageIfAvailable { Glibc.write(file, $0.baseAddress, $0.count) }
            if let written, written > 0 {
                bytes = bytes.dropFirst(written)
            } else if written == nil {
                bytes = Substring(String(decoding: Array(bytes), as: UTF8.self)).utf8
            } else if errno != EINTR {
                return errno == EPIPE
            }
        }
        return true
    }

    /// Writes a line to standard output, where results go; ends the process with the code for failed output where that
    /// can't be done, because whoever reads results must not take their absence for success.
    static func writeResult(_ line: String) {
        guard !write(line + "\n", to: STDOUT_FILENO) else { return }
        let reason = String(cString: strerror(errno))
        standardError.writeLine("sluice: error: standard output can't be written: \(reason); what is committed is safe")
        exit(PipelineError.Kind.ioError.rawValue)
    }
}
