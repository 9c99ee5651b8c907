import PipelineCore
import Testing

/// Which columns are taken for user IDs: by their names, and by what stands in them.
@Suite struct UserIDColumnTests {
    @Test(arguments: [
        ("user_id", 100), ("UserId", 100), ("USERID", 100), ("user-uuid", 100), ("customer_id", 80),
        ("MemberNumber", 80),
        ("externalId", 80), ("user", 80), ("pinpoint_user", 100), ("Pinpoint ID", 100),
        ("pinpoint_endpoint_id", 40), ("pinpoint", 0), ("id", 60), ("uuid", 60), ("UID", 60), ("order_id", 40),
        ("orderId", 40),
        ("OrderID", 40), ("email", 30), ("E-Mail", 30), ("paid", 0), ("valid", 0), ("name", 0), ("", 0),
    ])
    func name(_ name: String, points: Int) {
        #expect(UserIDColumn.points(for: [name]) == points)
    }

    @Test(arguments: [
        (["User", "UserId"], 100), (["user", "id"], 100), (["customer", "id"], 80), (["order", "id"], 60), ([], 0),
    ])
    func path(_ path: [String], points: Int) {
        #expect(UserIDColumn.points(for: path) == points)
    }

    @Test func aTableOfUsersBeforeOneThatNamesThem() {
        var unique = ColumnSample()
        var repeated = ColumnSample()
        for number in 0..<100 {
            unique.take(Array("\(number)".utf8))
            repeated.take(Array("\(number % 7)".utf8))
        }
        let users = UserIDColumn.points(for: "id", in: "app_users", unique, isKey: true)
        let orders = UserIDColumn.points(for: "user_id", in: "orders", repeated, isKey: false)
        let things = UserIDColumn.points(for: "id", in: "things", unique, isKey: true)
        #expect(users > orders + 19)
        #expect(orders >= things)
    }

    @Test(arguments: [
        "user-1", "42", "0f8fad5b-d9cb-469f-a165-70867728950e", "somebody@example.com", "+4915112345678", "ünïque",
        "a.b",
        "550e8400e29b41d4a716446655440000", "auth0|5f7c8ec7", "123-456-789", "4111-22-333", "2025-0042", "-7",
    ])
    func canBeAnID(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { UserIDForm.fits($0) })
    }

    @Test(arguments: [
        "", "two words", "2025-01-02", "2025-01-02T03:04:05.678Z", "01.02.2025", "31/1/2025", "1,234,567.8", "-0.5",
        "12:30", "1.5", "3,14", "true", "No",
        "n/a",
        ".", "..", "https://example.com/a", "a\tb", String(repeating: "x", count: 257),
    ])
    func canBeNone(_ text: String) {
        #expect(!Array(text.utf8).withUnsafeBytes { UserIDForm.fits($0) })
    }

    @Test func countsOfASample() {
        var sample = ColumnSample()
        for value in ["a", "b", "b", "", "1.5"] { sample.take(Array(value.utf8)) }
        sample.take([0xFF])
        sample.takeOther()
        sample.fill(upTo: 9)
        #expect(sample.records == 9)
        #expect(sample.empty == 3)
        #expect(sample.filled == 6)
        #expect(sample.distinct == 5)
        #expect(sample.idLike == 3)
        #expect(sample.invalid == 1)
        #expect(!sample.isUnique && !sample.holdsIDs)
        #expect(sample.contains(Array("b".utf8)) && !sample.contains(Array("c".utf8)))
    }
}
