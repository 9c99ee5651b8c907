import Foundation
import LineInput
import Testing

@Suite(.timeLimit(.minutes(2)))
struct InputWindowTests {
    /// Whatever the window holds at first; where there is no such byte, all the rest is in the window.
    @Test(arguments: [2, 3, 8, 1024], [0, 1, 7, 300])
    func findsAByte(_ capacity: Int, _ length: Int) throws {
        let front = String(repeating: "x", count: length)
        let file = try TemporaryFile((front + "\ny").utf8)
        let input = try InputWindow(path: file.path, capacity: capacity)
        #expect(try input.firstIndex(of: 0x0A) == length)
        #expect(try input.firstIndex(of: 0x7A) == nil)
        #expect(input.bytes.elementsEqual((front + "\ny").utf8))
        input.consume(length + 1)
        #expect(try input.firstIndex(of: 0x0A) == nil)
        #expect(input.bytes.elementsEqual("y".utf8))
    }

    /// Against Foundation, with pairs that lie across what is read at once.
    @Test(arguments: [UTF16Order.littleEndian, .bigEndian])
    func readsUTF16(_ order: UTF16Order) throws {
        let text = String(repeating: "aé日👩\u{FFFD}\n", count: 9000)
        let encoding: String.Encoding = order == .bigEndian ? .utf16BigEndian : .utf16LittleEndian
        let bytes = try #require(text.data(using: encoding))
        for shift in ["", "x"] {
            let front = try #require(("\u{FEFF}" + shift).data(using: encoding))
            #expect(UTF16Order(markOf: front) == order)
            let file = try TemporaryFile(front + bytes)
            let input = try InputWindow(path: file.path, capacity: 7, utf16: order)
            try input.skipByteOrderMark()
            while try input.extend() {}
            let isRight = input.bytes.elementsEqual((shift + text).utf8)
            #expect(isRight)
        }
    }

    @Test func goesForwardOnly() throws {
        let file = try TemporaryFile("abcdef".utf8)
        let input = try InputWindow(path: file.path, capacity: 2)
        try input.skip(to: 3)
        #expect(try input.extend() && input.bytes.first == UInt8(ascii: "d") && input.offset == 3)
        #expect(throws: InputDamage.tooShort) { try input.skip(to: 2) }
        #expect(throws: InputDamage.tooShort) { try input.skip(to: 7) }
    }
}
