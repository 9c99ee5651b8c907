/// Finds the name that was probably meant.
package enum Suggestion {
    /// The nearest of the candidates, or nil where none is near.
    ///
    /// Near is an edit distance of at most a third of the word, to the whole candidate or, for words of three letters
    /// and more, to its beginning: `bach` means `batch_size`.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        let word = Array(word.lowercased().unicodeScalars)
        // Longer words than any name are no slips of the pen, and would cost quadratic time.
        guard !word.isEmpty, word.count <= 64 else { return nil }
        let allowed = max(1, (word.count + 1) / 3)
        var best: (candidate: String, score: Int)?
        for candidate in candidates {
            let distances = editDistances(from: word, to: Array(candidate.lowercased().unicodeScalars))
            var score = distances.whole * 2
            if distances.whole > allowed {
                guard word.count >= 3, distances.beginning <= min(allowed, word.count / 3) else { continue }
                score = distances.beginning * 2 + 1
            }
            if score < best?.score ?? .max { best = (candidate, score) }
        }
        return best?.candidate
    }

    /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost one each.
    /// `beginning` is the distance to the nearest beginning of the candidate.
    private static func editDistances(
        from word: [Unicode.Scalar], to candidate: [Unicode.Scalar]
    ) -> (whole: Int, beginning: Int) {
        var older: [Int] = []
        var previous = Array(0...candidate.count)
        for (row, letter) in word.enumerated() {
            var current = [row + 1]
            for (column, other) in candidate.enumerated() {
                var cost = min(previous[column + 1], current[column]) + 1
                cost = min(cost, previous[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == candidate[column - 1], other == word[row - 1] {
                    cost = min(cost, older[column - 1] + 1)
                }
                current.append(cost)
            }
            older = previous
            previous = current
        }
        return (previous[candidate.count], previous.min() ?? 0)
    }

    /// "did you mean 'x'?" or "known: a, b", for a diagnostic's hint.
    package static func hint(for word: String, among candidates: [String]) -> String? {
        if let nearest = nearest(to: word, among: candidates) { return "did you mean '\(nearest)'?" }
        return candidates.isEmpty ? nil : "known: " + candidates.joined(separator: ", ")
    }
}
