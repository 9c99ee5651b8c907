internal import FilePlugins
internal import PipelineCore

/// What an archive holds, for a person.
struct ArchiveAccount {
    let path: String
    let found: ArchiveFindings

    private static let mostApplications = 5

    var text: String {
        let survey = found.survey
        var lines = [
            "\(path): an archive of \(CountText.of(survey.files, "file")), \(CountText.of(bytes: survey.bytes)); "
                + "\(Amount.of(survey.records, "record"))\(survey.records.isExact ? "" : ", of which the first \(CountText.of(survey.recordsLookedAt)) were looked at")."
        ]
        lines.append("Applications: \(applications).")
        if !survey.leftOut.isEmpty {
            let reasons = survey.leftOut.map { "\(CountText.of($0.count, "name")) (\(PrintableText.of($0.text)))" }
            lines.append("Left out: \(reasons.joined(separator: ", ")).")
        }
        if !survey.unreadable.isEmpty {
            let reasons = survey.unreadable.map { reason in
                let rest = reason.count > 1 ? " and \(CountText.of(reason.count - 1)) more" : ""
                return "\(PrintableText.of(reason.name))\(rest) (\(PrintableText.of(reason.text)))"
            }
            lines.append(
                "Can't be read, a failure each: \(reasons.joined(separator: ", ")). 'exclude' in the pipeline leaves them out."
            )
        }
        let broken = survey.faults - min(survey.faults, survey.unreadable.reduce(0) { $0 + $1.count }) + found.strangers
        if broken > 0 { lines.append("No endpoint: \(CountText.of(broken, "record")); a run counts each as failed.") }
        return lines.joined(separator: "\n")
    }

    private var applications: String {
        let names = found.applications.prefix(Self.mostApplications).map { PrintableText.of($0, limit: 64) }
        let rest = found.applications.count - names.count
        var text = names.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
        if found.endpointsWithoutApplication > 0 {
            text +=
                (text.isEmpty ? "" : "; ") + "\(CountText.of(found.endpointsWithoutApplication, "endpoint")) say none"
        }
        return text
    }
}
