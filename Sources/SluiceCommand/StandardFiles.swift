#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The process's files 0, 1 and 2.
enum StandardFiles {
    /// Takes the place of those that the caller has closed: otherwise the next file that is opened gets the number, and is
    /// read as the input or written to as the output. Reading a closed standard input stays an error, not an empty input.
    static func occupy() {
        for (file, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDWR), (STDERR_FILENO, O_RDWR)]
        where fcntl(file, F_GETFD) == -1 {
            // The lowest number that is free: this one.
            _ = open("/dev/null", mode)
        }
    }
}
