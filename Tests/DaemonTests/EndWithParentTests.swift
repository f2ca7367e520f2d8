import Foundation
import TestSupport
import Testing

@Suite("Processes of a benchmark", .ownThread)
struct EndWithParentTests {
    /// Killed from outside, `freshet-bench` used to leave its daemon behind.
    @Test("a program that was started to end with its parent ends when that is killed")
    func endsWithParent() throws {
        let folder = Folder()
        let bench = URL(filePath: try FreshetBinary.path()).deletingLastPathComponent()
            .appending(path: "freshet-bench").path
        let parent = try ChildProcess(
            ["/bin/sh", "-c", #""$0" end-with-parent /bin/sleep 600 & echo $!; wait"#, bench],
            output: folder.path + "/pid")
        func read(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        func child() -> Int32? {
            Int32(read(folder.path + "/pid").trimmingCharacters(in: .whitespacesAndNewlines))
        }
        try eventually("the child's id is known", seconds: 60) { child() != nil }
        let id = try child().orThrow("no child")
        try eventually("the child has become the program", seconds: 60) {
            read("/proc/\(id)/comm") == "sleep\n"
        }
        parent.send(SIGKILL)
        // Nobody may have asked how it ended.
        try eventually("the child has ended", seconds: 60) {
            kill(id, 0) != 0 || read("/proc/\(id)/stat").contains(") Z ")
        }
    }
}
