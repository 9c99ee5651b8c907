internal import PipelineCore

/// One map of an endpoint: its attributes, metrics or user attributes.
///
/// Both layouts read it here, so they take the same entries and leave the same ones for `extra`. The closures are inlined
/// into their callers: this is where most of the time of flattening goes.
struct EndpointMap {
    /// The node of the map's name.
    let name: Int
    /// The members around each entry.
    private let inside: UnmappedMembers.Around

    /// Nil where the map has no entries or the value isn't a map: then it is kept whole.
    init?(
        _ name: Int, _ around: UnmappedMembers.Around, _ contents: TapeContents, residue: inout UnmappedMembers
    ) {
        guard contents.nodes[name + 1].kind == .object, !contents.isEmpty(name + 1) else {
            residue.keep(name, around)
            return nil
        }
        self.name = name
        inside = around.inside(name)
    }

    /// Calls `take` for each entry with a storable name and a value of this kind; the others are kept.
    ///
    /// - Parameter take: Gets the entry's name and its value's node. Gives false where the entry has to be kept as well.
    @inline(__always)
    func forEachEntry(
        _ kind: TapeNode.Kind, _ contents: TapeContents, residue: inout UnmappedMembers, take: (TapeNode, Int) -> Bool
    ) {
        let end = Int(contents.nodes[name + 1].end)
        var entry = name + 2
        while entry < end {
            let node = contents.nodes[entry]
            let value = contents.nodes[entry + 1]
            defer { entry = Int(value.end) }
            if node.isDropped { continue }
            if value.kind == kind, node.isStorable, take(node, entry + 1) { continue }
            residue.keep(entry, inside)
        }
    }

    /// Calls `take` for each number that a double can hold; one whose decimal value isn't the double's is kept as well.
    @inline(__always)
    func forEachNumber(
        _ contents: TapeContents, residue: inout UnmappedMembers, take: (TapeNode, Double) -> Void
    ) {
        forEachEntry(.number, contents, residue: &residue) { name, value in
            let number = JSONNumber.read(contents.source(contents.nodes[value]))
            if number.value.isFinite { take(name, number.value) }
            return number.isExact
        }
    }
}

extension TapeContents {
    /// Calls `take` for each string of a list.
    ///
    /// - Parameter take: Gets the string, and its place among all elements of the list.
    /// - Returns: False for an empty list, and where an element isn't a string or can't be stored as it is.
    @inline(__always)
    func forEachString(in list: Int, take: (TapeNode, Int64) -> Void) -> Bool {
        let end = Int(nodes[list].end)
        var position: Int64 = 0
        var isWhole = true
        var element = list + 1
        while element < end {
            let value = nodes[element]
            element = Int(value.end)
            if value.isDropped { continue }
            if value.kind == .string {
                take(value, position)
                if !value.isStorable { isWhole = false }
            } else {
                isWhole = false
            }
            position &+= 1
        }
        return isWhole && position > 0
    }
}
