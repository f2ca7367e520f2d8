import Access
import Foundation
import RPCSupport
import Testing

@Suite("Passwords and the file of users")
struct PasswordTests {
    @Test("a hash tells the password from others, and is salted anew each time")
    func hashes() throws {
        let first = try #require(PasswordHash.make(of: "open sesame"))
        let second = try #require(PasswordHash.make(of: "open sesame"))
        #expect(first != second)
        #expect(first.hasPrefix("$y$"))
        #expect(PasswordHash.isHash(first))
        #expect(PasswordHash.matches("open sesame", first))
        #expect(!PasswordHash.matches("open sesamf", first))
        #expect(!PasswordHash.matches("", first))
        #expect(PasswordHash.make(of: "") == nil)
        #expect(PasswordHash.make(of: String(repeating: "x", count: 512)) == nil)
        for text in ["", "secret", "*", "$1$salt$hash", "$y$"] { #expect(!PasswordHash.isHash(text)) }
    }

    @Test("two lines of a name are two passwords of it, and comments say nothing")
    func lines() throws {
        let hash = try #require(PasswordHash.make(of: "p"))
        let users = try UserFile.parse(
            "# users\n\nshop:feed:\(hash)\n shop:feed:\(hash)  \nwatch-er.1:read:\(hash)\n")
        #expect(users.count == 2)
        #expect(users["shop"] == NamedUser(role: .feed, hashes: [hash, hash]))
        #expect(users["watch-er.1"]?.role == .read)
        #expect(try UserFile.parse(UserFile.line(name: "a", role: .admin, hash: hash))["a"]?.role == .admin)
    }

    @Test("what is wrong with a line is told by its number, and nothing of what it holds")
    func wrongLines() throws {
        let hash = try #require(PasswordHash.make(of: "p"))
        for (text, number) in [
            ("planted-secret", 1), ("a:read", 1), ("\na:reader:\(hash)", 2), ("a:read:planted-secret", 1),
            ("a b:read:\(hash)", 1), ("a:read:\(hash)\na:feed:\(hash)", 2),
        ] {
            let error = #expect(throws: UserFile.Failure.self) { try UserFile.parse(text) }
            let words = try #require(error).description
            #expect(words.contains("line \(number)"), "\(words)")
            #expect(!words.contains("planted") && !words.contains(hash), "\(words)")
        }
    }

    @Test("a file that others may read, or its group may write, is refused")
    func modes() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = scratch.folder + "/users"
        let hash = try #require(PasswordHash.make(of: "p"))
        try "a:read:\(hash)\n".write(toFile: path, atomically: false, encoding: .utf8)
        for mode in [0o600, 0o640, 0o400] {
            chmod(path, mode_t(mode))
            #expect(try UserFile.read(path).count == 1)
        }
        for mode in [0o644, 0o660, 0o604, 0o641] {
            chmod(path, mode_t(mode))
            let error = #expect(throws: UserFile.Failure.self) { try UserFile.read(path) }
            #expect(error?.description.contains("chmod 640") == true, "\(mode)")
        }
        #expect(throws: UserFile.Failure.self) { try UserFile.read(scratch.folder) }
        #expect(throws: UserFile.Failure.self) { try UserFile.read(path + "x") }
    }
}
