/// How likely it is that a column holds user IDs, by what it and its table are called.
package enum UserIDColumn {
    /// Written together, in lower case.
    private static let users: Set<String> = ["userid", "useruuid", "userguid", "pinpointuserid", "endpointuserid"]
    private static let people = [
        "user", "customer", "member", "account", "person", "people", "profile", "subscriber", "contact", "client",
        "player",
        "employee", "patient", "student", "guest",
    ]
    private static let plain: Set<String> = ["id", "uuid", "guid", "uid", "identifier"]
    private static let addresses: Set<String> = ["email", "emailaddress", "mail"]

    /// 100 for a user ID by name, 80 for a customer's and the like, 60 for a plain `id`, 40 for another thing's ID, 30 for an
    /// e-mail address, 0 for anything else.
    ///
    /// - Parameter path: a column's name, or the names that lead to a member, from the outside in.
    package static func points(for path: [String]) -> Int {
        guard let name = path.last else { return 0 }
        let folded = folded(name)
        if users.contains(folded) || isPinpointUser(name) { return 100 }
        // `{"user": {"id": …}}`
        if plain.contains(folded), path.count > 1, let owner = path.dropLast().last, isPeople(owner) {
            return Self.folded(owner).hasPrefix("user") ? 100 : 80
        }
        let owners = people + ["external"]
        if owners.contains(where: { owner in
            ["id", "uuid", "guid", "key", "number", "no"].contains { folded == owner + $0 }
        })
            || folded == "user"
        {
            return 80
        }
        if plain.contains(folded) { return 60 }
        if isIDOfSomething(name) { return 40 }
        return addresses.contains(folded) ? 30 : 0
    }

    /// The points of a table's column: an `id` means more in a table of users, and one that is unique there more than one that
    /// repeats.
    package static func points(for column: String, in table: String, _ sample: ColumnSample, isKey: Bool) -> Int {
        var points = points(for: [column])
        if points >= 60, isPeople(table) { points += 30 }
        return points + uniquePoints(sample, isKey: isKey)
    }

    /// The points of a list's column.
    package static func points(for path: [String], _ sample: ColumnSample) -> Int {
        points(for: path) + uniquePoints(sample, isKey: false)
    }

    private static func uniquePoints(_ sample: ColumnSample, isKey: Bool) -> Int {
        if sample.isUnique || isKey { return 40 }
        return sample.filled > 0 && sample.distinct * 10 >= sample.filled * 9 ? 20 : 0
    }

    /// Whether a table or a member is called after people.
    private static func isPeople(_ name: String) -> Bool {
        words(of: name).contains { word in people.contains { word == $0 || word == $0 + "s" } }
    }

    /// `pinpoint_user`, `Pinpoint ID`, but not `pinpoint_endpoint_id`.
    private static func isPinpointUser(_ name: String) -> Bool {
        let words = words(of: name)
        return words.count == 2 && words[0] == "pinpoint" && ["user", "id", "uid", "customer"].contains(words[1])
    }

    private static func folded(_ name: String) -> String {
        String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    }

    /// `order_id`, `orderId`, `OrderID`, but not `paid`.
    private static func isIDOfSomething(_ name: String) -> Bool {
        ["id", "uuid", "guid"].contains(words(of: name).last ?? "")
    }

    /// `app_Users`, `appUsers` → app, users
    private static func words(of name: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isLower = false
        for character in name {
            let isWord = character.isLetter || character.isNumber
            if !isWord || character.isUppercase && isLower {
                if !word.isEmpty { words.append(word.lowercased()) }
                word = ""
            }
            if isWord { word.append(character) }
            isLower = character.isLowercase
        }
        return word.isEmpty ? words : words + [word.lowercased()]
    }
}
