/// Attempts in a row, over all calls, that brought no answer other than 5xx.
struct Silence: Sendable {
    var attempts = 0
    /// When the first of them was sent, in monotonic seconds.
    var since = 0.0

    mutating func note(_ result: AttemptResult, sentAt: Double) {
        guard case .failed = result else {
            attempts = 0
            return
        }
        if attempts == 0 { since = sentAt }
        attempts += 1
    }
}
