/// Which column of a CSV file is wanted.
public enum CSVColumn: Sendable, Equatable {
    /// From 1.
    case number(Int)
    /// A name in the header; where no column has it and it is a number, it counts as one.
    case name(String)
}
