internal import LineInput
internal import LocalFiles
package import PipelineCore

/// A list of users whose layout nobody has said: how it is read, and what its columns look like. Holds none of the values.
package struct ListSurvey: Sendable {
    package struct Column: Sendable {
        /// The name in the header, or the names that lead to a member of a document; empty without a name.
        package var name: [String]
        /// From 1.
        package var number: Int
        package var sample: ColumnSample
    }

    package var format: FileUserReader.Format
    /// As the option is written; nil where there is none to say.
    package var separator: String?
    /// Whether the first row holds names; nil where the format has none.
    package var hasHeader: Bool?
    package var columns: [Column]
    /// How many records were looked at, a header aside.
    package var recordsLookedAt: Int
    package var records: InputCount
    /// Documents that are no JSON map.
    package var broken: Int

    /// So many records are looked at, and so many bytes.
    private static let mostRecords = 10_000
    private static let mostBytes: UInt64 = 64 << 20
    /// Columns beyond are passed over.
    static let mostColumns = 200

    /// Looks at a file's beginning. Blocks.
    ///
    /// - Parameter path: messages show what is written.
    /// - Throws: `PipelineError` of kind `.noInput` for what can't be read as a list.
    package init(_ path: PathOption) throws {
        do {
            let form = try ListForm.find(path.resolved)
            var rows = try ListRows(path.resolved, form)
            defer { rows.close() }
            switch form {
            case .lines: (format, separator) = (.lines, nil)
            case .whitespace: (format, separator) = (.lines, FileUserReader.whitespace)
            case .csv(let byte):
                guard let name = FileUserReader.separators.first(where: { $0.byte == byte })?.name else {
                    throw PipelineError(
                        .noInput, "\(path.written) names a separator that isn't read",
                        hint: "Separate the fields by a comma, a semicolon, a tab or '|'.")
                }
                (format, separator) = (.csv, name)
            case .ndjson: (format, separator) = (.ndjson, nil)
            }
            var sampler: any ListSampler = form == .ndjson ? DocumentSampler() : RowSampler(isTable: format == .csv)
            var count = 0
            var isComplete = false
            while count < Self.mostRecords, rows.bytesRead < Self.mostBytes {
                guard let row = try rows.next() else {
                    isComplete = true
                    break
                }
                count += 1
                sampler.take(row)
            }
            (columns, hasHeader, broken) = sampler.finish()
            if hasHeader == true { count -= 1 }
            recordsLookedAt = count
            records = InputCount(count, isExact: true)
            if !isComplete, let size = try rows.size, size > rows.bytesRead {
                let share = Double(rows.bytesRead) / Double(size)
                records = InputCount(Int(Double(count) / share), isExact: false)
            }
        } catch let damage as InputDamage {
            throw PipelineError(.noInput, "\(path.written) \(damage.message)", hint: damage.hint)
        }
    }
}

/// Takes rows and says what columns they have.
private protocol ListSampler {
    mutating func take(_ row: [[UInt8]])
    mutating func finish() -> (columns: [ListSurvey.Column], hasHeader: Bool?, broken: Int)
}

/// Lines, words, and rows of CSV: the first one may hold names.
private struct RowSampler: ListSampler {
    let isTable: Bool
    private var first: [[UInt8]] = []
    private var samples: [ColumnSample] = []

    init(isTable: Bool) { self.isTable = isTable }

    mutating func take(_ row: [[UInt8]]) {
        if first.isEmpty {
            first = Array(row.prefix(ListSurvey.mostColumns))
            samples = first.map { _ in ColumnSample() }
        } else {
            add(row)
        }
    }

    private mutating func add(_ row: [[UInt8]]) {
        for index in samples.indices { samples[index].take(index < row.count ? row[index] : []) }
    }

    mutating func finish() -> (columns: [ListSurvey.Column], hasHeader: Bool?, broken: Int) {
        let hasHeader = isHeader
        if !hasHeader { add(first) }
        let columns = samples.indices.map { index in
            let name = String(decoding: first[index], as: UTF8.self)
            return ListSurvey.Column(name: hasHeader ? [name] : [], number: index + 1, sample: samples[index])
        }
        return (columns, hasHeader, 0)
    }

    /// Whether the first row says what the others are: it looks like names, and they don't, or it holds the name of an ID.
    private var isHeader: Bool {
        guard !first.isEmpty, !first.contains(where: { UserIDForm.looksLikeData($0) }) else { return false }
        // A name that repeats further down is a value like the others.
        guard !zip(first, samples).contains(where: { !$0.isEmpty && $1.contains($0) }) else { return false }
        if first.contains(where: { UserIDColumn.points(for: [String(decoding: $0, as: UTF8.self)]) > 0 }) {
            return true
        }
        return isTable && samples.contains { $0.filled > 0 && $0.dataLike * 2 > $0.filled }
    }
}

/// Documents: each member that holds a text or an integer is a column, those in maps included.
private struct DocumentSampler: ListSampler {
    private var names: [[String]] = []
    private var samples: [[String]: ColumnSample] = [:]
    private var records = 0
    private var broken = 0

    /// Deeper maps are passed over.
    private static let deepest = 4

    mutating func take(_ row: [[UInt8]]) {
        guard let line = row.first, !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return }
        records += 1
        let root: JSONNode
        do throws(JSONDecodingError) { root = try JSONTape(decoding: line).root } catch {
            broken += 1
            return
        }
        if root.kind == .object { take(root, at: []) } else { broken += 1 }
    }

    private mutating func take(_ map: JSONNode, at path: [String]) {
        for (name, value) in map.members {
            let path = path + [name]
            switch value.kind {
            case .object: if path.count < Self.deepest { take(value, at: path) }
            case .string: sample(path) { $0.take(value.textBytes ?? []) }
            case .number where value.integer != nil: sample(path) { $0.take(Array(value.numberText.utf8)) }
            case .null: break
            default: sample(path) { $0.takeOther() }
            }
        }
    }

    private mutating func sample(_ path: [String], _ body: (inout ColumnSample) -> Void) {
        // '*' stands for every name where a path is written, so it can't be one.
        guard !path.contains("*"), !path.contains("") else { return }
        if samples[path] == nil {
            guard names.count < ListSurvey.mostColumns else { return }
            names.append(path)
        }
        // Records before this one may have lacked it.
        samples[path, default: ColumnSample()].fill(upTo: records - 1)
        body(&samples[path, default: ColumnSample()])
    }

    mutating func finish() -> (columns: [ListSurvey.Column], hasHeader: Bool?, broken: Int) {
        let columns = names.enumerated().map { index, name in
            var sample = samples[name] ?? ColumnSample()
            sample.fill(upTo: records)
            return ListSurvey.Column(name: name, number: index + 1, sample: sample)
        }
        return (columns, nil, broken)
    }
}
