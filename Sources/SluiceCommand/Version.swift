/// The program's version (semver.org).
enum Version {
    static let number = "0.2.0"
}
