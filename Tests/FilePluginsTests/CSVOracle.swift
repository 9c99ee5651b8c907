import Foundation

/// What a row of CSV should give: its kind (`id`, `missing`, `unterminated`, `SurplusFields`, `InvalidUserId`), the hex of the column's
/// bytes (of long ones both ends and the length), and the line on which it begins.
struct ExpectedRow: Decodable, Equatable {
    var line: Int
    var kind: String
    var value: String
}

/// Reads files, each with every column from 0 on as the one that is wanted, with a model of CSV in Python, checked there against Python's own `csv` module wherever
/// all quotes are closed.
func csvOracle(_ files: [String], columns: Range<Int>, separator: String) throws -> [[[ExpectedRow]]] {
    let output = try python(csvModel, [String(columns.count), separator] + files)
    return try JSONDecoder().decode([[[ExpectedRow]]].self, from: Data(output))
}

private let csvModel = """
    import csv, io, json, sys
    columns, separator, files = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    csv.field_size_limit(1 << 30)

    def line_end(text, i):
        while i < len(text) and text[i] not in '\\r\\n': i += 1
        if i == len(text): return i
        return i + 2 if text[i:i + 2] == '\\r\\n' else i + 1

    def breaks(text):
        return text.replace('\\r\\n', '\\n').replace('\\r', '\\n').count('\\n')

    def short(value):
        return value.hex() if len(value) <= 200 else f'{value[:100].hex()} {len(value)} {value[-100:].hex()}'

    def record(text, start):
        # (fields, end, places of fields with text behind their closing quote, whether rows may be lost in one) or (None, opening)
        fields, field, i, state, opening = [], '', start, 'start', 0
        tails, doubtful, tail, inside = set(), False, None, ''
        while True:
            c = text[i:i + 1]
            if state == 'quoted':
                if c == '': return None, opening, None, None
                if c == '"':
                    if text[i + 1:i + 2] == '"': field += '"'; inside += '"'; i += 2; continue
                    state, tail = 'plain', ''
                else: field += c; inside += c
                i += 1
            elif c == '"' and state == 'start': state, opening, i = 'quoted', i, i + 1
            elif c == separator or c in ('', '\\r', '\\n'):
                if tail:
                    tails.add(len(fields))
                    doubtful = doubtful or (breaks(inside) > 0 and tail.strip(' \\t') != '')
                fields.append(field)
                if c != separator: return fields, line_end(text, i), tails, doubtful
                field, state, i, tail, inside = '', 'start', i + 1, None, ''
            else:
                field += c; state = 'plain'; i += 1
                if tail is not None: tail += c

    def model(text, column):
        out, rows, i, line, closed, width = [], [], 0, 1, True, None
        while i < len(text):
            if text[i] in '\\r\\n':
                end = line_end(text, i)
                rows.append([])
            else:
                fields, end, tails, doubtful = record(text, i)
                if fields is None:
                    out.append(dict(line=line, kind='unterminated', value=''))
                    end, closed = len(text), False
                else:
                    rows.append(fields)
                    width = width or len(fields)
                    kind = 'id' if column < len(fields) else 'missing'
                    value = fields[column].encode('latin-1') if kind == 'id' else b''
                    if column in tails or len(value) > 65536: kind = 'InvalidUserId'
                    if any(fields[width:]): kind = 'SurplusFields'
                    if doubtful: kind = 'unterminated'
                    if kind != 'id': value = b''
                    out.append(dict(line=line, kind=kind, value=short(value)))
            line += breaks(text[i:end])
            i = end
        if closed:
            reader, starts, theirs = csv.reader(io.StringIO(text, newline=''), delimiter=separator), [], []
            at = 1
            for row in reader:
                theirs.append(row)
                if row: starts.append(at)
                at = reader.line_num + 1
            assert theirs == rows, (text, theirs, rows)
            assert starts == [o['line'] for o in out], (text, starts, out)
        return out

    result = []
    for name in files:
        text = open(name, 'rb').read().decode('latin-1')
        if text.startswith('\\u00ef\\u00bb\\u00bf'): text = text[3:]
        result.append([model(text, column) for column in range(columns)])
    print(json.dumps(result))
    """
