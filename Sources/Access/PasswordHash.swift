internal import CCrypt

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Passwords as they are kept: crypt(5), made by yescrypt, which costs whoever has the file some milliseconds and megabytes
/// a guess.
public enum PasswordHash {
    /// Of crypt(3).
    public static let passwordBytesMax = 511

    /// - Returns: `nil` where the password is empty, too long or holds a zero byte.
    public static func make(of password: String) -> String? {
        guard isPossible(password) else { return nil }
        // Salted from the system's random numbers.
        guard let setting = crypt_gensalt_ra("$y$", 0, nil, 0) else { return nil }
        defer { free(setting) }
        return hash(password, String(cString: setting))
    }

    /// Takes some 20 ms.
    public static func matches(_ password: String, _ stored: String) -> Bool {
        guard isPossible(password), let found = hash(password, stored) else { return false }
        return SecretText.isEqual(found, stored)
    }

    /// Whether it is one of a kind that is hard to guess.
    public static func isHash(_ text: String) -> Bool {
        // A setting without a hash would do as a salt, too.
        let hash = text.split(separator: "$", omittingEmptySubsequences: false).last ?? ""
        return crypt_checksalt(text) == CRYPT_SALT_OK && hash.count >= 31
            && ["$y$", "$gy$", "$7$", "$6$", "$5$", "$2b$"].contains(where: text.hasPrefix)
    }

    private static func isPossible(_ password: String) -> Bool {
        (1...passwordBytesMax).contains(password.utf8.count) && !password.utf8.contains(0)
    }

    private static func hash(_ password: String, _ setting: String) -> String? {
        // The library makes the room and says how much; it is this call's alone, and wiped before it is given back.
        var room: UnsafeMutableRawPointer?
        var size: CInt = 0
        defer {
            if let room {
                explicit_bzero(room, Int(size))
                free(room)
            }
        }
        guard let found = crypt_ra(password, setting, &room, &size) else { return nil }
        return String(cString: found)
    }
}

/// Comparing what is secret.
public enum SecretText {
    /// Takes as long for a guess that is right in its first bytes as for one that is wrong in all: the time depends on the
    /// guess's length alone.
    public static func isEqual(_ guess: String, _ secret: String) -> Bool {
        let secret = Array(secret.utf8)
        var difference: UInt8 = secret.count == guess.utf8.count ? 0 : 1
        for (index, byte) in guess.utf8.enumerated() {
            difference |= byte ^ (secret.isEmpty ? 1 : secret[index % secret.count])
        }
        return difference == 0
    }
}
