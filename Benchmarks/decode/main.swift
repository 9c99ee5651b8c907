internal import Glibc

// Reads documents for an oracle that isn't written in Swift, and measures. Not part of what users get.
switch CommandLine.arguments.dropFirst().first {
case "values": Frames.forEach { print(JSONValues.describe($0)) }
case "rows": Frames.forEach { print(EndpointRows.describe($0)) }
case "measure":
    let arguments = CommandLine.arguments
    guard arguments.count >= 3, let lines = Lines.read(arguments[2]) else {
        complain("json-check: can't read the file of lines\n")
        exit(66)
    }
    Measurement.run(lines, rounds: arguments.count > 3 ? Int(arguments[3]) ?? 3 : 3)
default:
    complain(
        """
        usage: json-check values < FRAMES          what each document says, or why it is none
               json-check rows < FRAMES            the rows of each answer
               json-check measure FILE [ROUNDS]    MB/s over a file of lines
        A frame is a byte that says its form, four bytes of length (little-endian), and that many bytes.

        """)
    exit(64)
}

func complain(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}
