public import PipelineCore

extension EndpointChanges {
    /// What a batch adds to a run's counts.
    ///
    /// An endpoint counts as what its run first made of it; it becomes a changed one where a later answer of the same run
    /// brings other values. What the run writes and takes away again doesn't count, and of such an endpoint nothing tells
    /// any more whether the run had added or changed it: it counts as added.
    ///
    /// - Parameters:
    ///   - added, unchanged, changed: endpoints that the run meets for the first time.
    ///   - changedAgain: endpoints that counted as unchanged so far.
    ///   - withdrawn: endpoints that the run has written and that go again, by what they counted as so far.
    public static func observed(
        added: Int = 0, unchanged: Int = 0, changed: Int = 0, changedAgain: Int = 0,
        withdrawn: (added: Int, unchanged: Int) = (0, 0)
    ) -> EndpointChanges {
        EndpointChanges(
            added: added - withdrawn.added, changed: changed + changedAgain,
            unchanged: unchanged - changedAgain - withdrawn.unchanged)
    }
}
