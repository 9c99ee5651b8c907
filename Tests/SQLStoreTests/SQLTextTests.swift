import SQLStore
import Testing

@Suite("Names and texts as SQL spells them")
struct SQLTextTests {
    @Test(
        "Quotes within are doubled",
        arguments: [("users", "\"users\"", "'users'"), ("a\"b'c", "\"a\"\"b'c\"", "'a\"b''c'"), ("", "\"\"", "''")])
    func spelling(_ text: String, _ name: String, _ value: String) {
        #expect(quoted(text) == name)
        #expect(literal(text) == value)
    }

    @Test("A list of names keeps its order")
    func list() {
        #expect(quoted(["b", "a\""]) == "\"b\", \"a\"\"\"")
        #expect(quoted([String]()) == "")
    }
}
