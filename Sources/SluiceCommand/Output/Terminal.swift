internal import Foundation
internal import Glibc
internal import PipelineCore
internal import PipelineEngine
internal import Synchronization

/// Standard error, shared by log lines and one live line that is drawn again below them.
final class Terminal: Sendable {
    static let standardError = Terminal()

    /// A line that knows how to be as short as it must.
    typealias LiveLine = @Sendable (_ width: Int) -> String

    /// True where a person watches, on a terminal that can draw a line again.
    let isInteractive = isatty(STDERR_FILENO) == 1 && !isDumb
    /// What may be done with standard error's texts.
    let style = Terminal.style(of: STDERR_FILENO)

    private struct Live {
        var line: LiveLine?
        /// What stands on the screen.
        var shown = ""
    }

    private let live = Mutex(Live())

    /// Writes a whole line above the live one.
    func writeLine(_ line: String) {
        live.withLock { live in
            let shown = live.shown.isEmpty ? "" : Self.erasure
            live.shown = Self.isInForeground ? live.line?(Self.room) ?? "" : ""
            Self.write(shown + line + "\n" + Self.drawn(live.shown), to: STDERR_FILENO)
        }
    }

    /// Draws the live line where it has changed; nil removes it. Does nothing where nobody watches.
    func showLive(_ line: LiveLine?) { draw(line, isForced: false) }

    /// Draws the live line as it fits now, whatever stands there: the terminal has another size, or was somebody else's.
    func redraw() { draw(live.withLock { $0.line }, isForced: true) }

    private func draw(_ line: LiveLine?, isForced: Bool) {
        guard isInteractive else { return }
        live.withLock { live in
            live.line = line
            guard Self.isInForeground else {
                // The shell has the terminal.
                live.shown = ""
                return
            }
            let text = line?(Self.room) ?? ""
            guard text != live.shown || isForced else { return }
            live.shown = text
            Self.write(Self.erasure + Self.drawn(text), to: STDERR_FILENO)
        }
    }

    /// The cursor stays at the line's beginning: a terminal that becomes narrower breaks the line, and everything from its
    /// beginning on is erased then. One that has become narrower a moment ago isn't to break it while it is drawn.
    private static func drawn(_ text: String) -> String { text.isEmpty ? "" : "\u{1B}[?7l\(text)\u{1B}[?7h\r" }

    private static let erasure = "\r\u{1B}[J"

    /// The last column stays empty: a terminal may begin a new line behind it.
    private static var room: Int { max(1, width(of: STDERR_FILENO) - 1) }

    /// False while the process is one of a shell's jobs in the background.
    private static var isInForeground: Bool {
        let group = tcgetpgrp(STDERR_FILENO)
        // A terminal that doesn't control this process has no foreground.
        return group < 0 || group == getpgrp()
    }

    private static var isDumb: Bool { ProcessInfo.processInfo.environment["TERM"] == "dumb" }

    /// The columns of a terminal; 80 where it doesn't say.
    static func width(of file: Int32) -> Int {
        var size = winsize()
        guard ioctl(file, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Colours on a terminal that has them, unless somebody doesn't want any (no-color.org).
    static func style(of file: Int32) -> TextStyle {
        let isUnwanted = ProcessInfo.processInfo.environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return isatty(file) == 1 && !isDumb && !isUnwanted ? .coloured : .plain
    }

    /// Writes all of a text.
    ///
    /// - Returns: False where it couldn't, `errno` says why. A reader that went away isn't told apart from one that read.
    @discardableResult
    static func write(_ text: String, to file: Int32) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: file) } || errno == EPIPE
    }

    /// Writes all of these bytes; false where it couldn't, `errno` says why.
    private static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let written = Glibc.write(file, rest.baseAddress, rest.count)
            if written > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Writes a line to standard output, where results go; ends the process with the code for failed output where that
    /// can't be done, because whoever reads results must not take their absence for success.
    static func writeResult(_ line: String) {
        if !write(line + "\n", to: STDOUT_FILENO) { endWithoutOutput() }
    }

    /// The same for bytes of a longer result; false where its reader went away.
    static func writeResult(_ bytes: [UInt8]) -> Bool {
        if bytes.withUnsafeBytes({ write($0, to: STDOUT_FILENO) }) { return true }
        if errno != EPIPE { endWithoutOutput() }
        return false
    }

    private static func endWithoutOutput() -> Never {
        let reason = String(cString: strerror(errno))
        standardError.writeLine("sluice: error: standard output can't be written: \(reason); what is committed is safe")
        exit(PipelineError.Kind.ioError.rawValue)
    }
}
