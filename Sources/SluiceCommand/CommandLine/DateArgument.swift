internal import ArgumentParser
internal import PipelineCore

/// A logical date as the command line spells it.
enum DateArgument {
    /// - Throws: `ValidationError`, which says how a date looks.
    static func read(_ text: String) throws -> Timestamp {
        guard let date = Timestamp(text) else {
            let whole = text.replacing(#/(:?\d\d)[.,]\d+/#, maxReplacements: 1) { String($0.output.1) }
            if whole != text, Timestamp(whole) != nil {
                throw ValidationError("'\(text)' has a fraction of a second; dates are whole seconds: \(whole).")
            }
            throw ValidationError("'\(text)' is no date such as 2026-11-23 or 2026-11-23T04:00:00Z.")
        }
        return date
    }
}
