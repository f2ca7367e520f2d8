package import Foundation

extension Process {
    /// To run a program that ends with this process, by this one's hidden command `end-with-parent`. Called on a thread that lasts: the main one.
    package func endWithParent(_ program: String, _ arguments: [String]) {
        executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        self.arguments = ["end-with-parent", program] + arguments
    }
}
