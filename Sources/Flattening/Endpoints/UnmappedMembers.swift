internal import PipelineCore

/// The members of one endpoint that its columns and rows don't hold, or not wholly: what becomes `extra`.
///
/// They are kept as the nodes of their names, and written nested as the answer is, in the answer's order.
struct UnmappedMembers: Sendable {
    /// A member, by the node of its name, and the members around it.
    private struct Entry {
        /// Two levels out, one level out, the member itself; -1 where there is no such level.
        var path: (Int32, Int32, Int32)

        /// The name at a level from the endpoint, -1 behind the last.
        func name(at level: Int) -> Int {
            switch level {
            case 0: Int(path.0)
            case 1: Int(path.1)
            case 2: Int(path.2)
            default: -1
            }
        }

        var last: Int32 { max(path.0, path.1, path.2) }
    }

    /// The members around a member.
    struct Around {
        var outer: Int32 = -1
        var inner: Int32 = -1

        static let endpoint = Around()

        func inside(_ name: Int) -> Around {
            outer < 0
                ? Around(outer: Int32(truncatingIfNeeded: name))
                : Around(outer: outer, inner: Int32(truncatingIfNeeded: name))
        }
    }

    private var entries: [Entry] = []
    private var writer = ExtraWriter()

    var isEmpty: Bool { entries.isEmpty }

    mutating func clear() { entries.removeAll(keepingCapacity: true) }

    /// Keeps a member whole.
    mutating func keep(_ name: Int, _ around: Around) {
        let name = Int32(truncatingIfNeeded: name)
        if around.outer < 0 {
            entries.append(Entry(path: (name, -1, -1)))
        } else if around.inner < 0 {
            entries.append(Entry(path: (around.outer, name, -1)))
        } else {
            entries.append(Entry(path: (around.outer, around.inner, name)))
        }
    }

    /// Keeps a member whole, unless it or a member around it is kept already.
    ///
    /// - Parameter names: the nodes of the names on the way to it, from the outside in; below three levels a member of
    ///   which some is known is always kept whole already.
    mutating func keepOnce(_ names: [Int]) {
        guard let first = names.first, names.count <= 3 else { return }
        let isKept = entries.contains { entry in
            for level in 0..<4 {
                let name = entry.name(at: level)
                if name < 0 { return level > 0 }
                if level >= names.count || names[level] != name { return false }
            }
            return true
        }
        guard !isKept else { return }
        var around = Around.endpoint
        for name in names.dropLast() { around = around.inside(name) }
        keep(names.last ?? first, around)
    }

    /// Writes the members as one JSON object that `jsonb` can hold.
    mutating func withJSON<R>(_ contents: TapeContents, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        entries.sort { $0.last < $1.last }
        writer.clear()
        writeMap(0..<entries.count, 0, .storable, contents)
        return writer.bytes.withUnsafeBytes(body)
    }

    private mutating func writeMap(
        _ range: Range<Int>, _ level: Int, _ form: ExtraWriter.Form, _ contents: TapeContents
    ) {
        if form == .storable, range.contains(where: { !ExtraWriter.canName(contents, entries[$0].name(at: level)) }) {
            let start = writer.beginSource()
            writeMap(range, level, .source, contents)
            return writer.endSource(start)
        }
        writer.append("{")
        var index = range.lowerBound
        while index < range.upperBound {
            let name = entries[index].name(at: level)
            if index > range.lowerBound { writer.append(",") }
            writer.writeString(contents, name, form)
            writer.append(":")
            if entries[index].name(at: level + 1) < 0 {
                writer.writeValue(contents, name + 1, form)
                index += 1
                continue
            }
            var end = index + 1
            while end < range.upperBound, entries[end].name(at: level) == name { end += 1 }
            writeMap(index..<end, level + 1, form, contents)
            index = end
        }
        writer.append("}")
    }
}
