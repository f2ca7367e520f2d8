import Foundation

/// Certificates for tests, made once by openssl: an authority and what it signed.
package enum TestCertificate: String, CaseIterable {
    /// Signed all others but itself; a hundred years from 2026 on, as they are.
    case authority
    /// Of localhost, 127.0.0.1 and ::1.
    case server
    /// Of a client.
    case client
    /// Of a host of another name.
    case elsewhere
    /// Of localhost, ended in 2021.
    case expired

    /// PEM.
    package var certificate: String {
        switch self {
        case .authority: Self.authorityCertificate
        case .server: Self.serverCertificate
        case .client: Self.clientCertificate
        case .elsewhere: Self.elsewhereCertificate
        case .expired: Self.expiredCertificate
        }
    }

    /// PEM; for tests alone, so that it may be read by everybody here.
    package var key: String {
        switch self {
        case .authority: Self.authorityKey
        case .server: Self.serverKey
        case .client: Self.clientKey
        case .elsewhere: Self.elsewhereKey
        case .expired: Self.expiredKey
        }
    }

    /// Writes both into a folder, the key so that others may not read it.
    ///
    /// - Returns: the paths.
    package func write(to folder: String, as name: String? = nil) throws -> (certificate: String, key: String)
    {
        let path = folder + "/" + (name ?? rawValue)
        try certificate.write(toFile: path + ".pem", atomically: true, encoding: .utf8)
        let isMade = FileManager.default.createFile(
            atPath: path + ".key", contents: Data(key.utf8), attributes: [.posixPermissions: 0o600])
        guard isMade else { throw CocoaError(.fileWriteUnknown) }
        return (path + ".pem", path + ".key")
    }
}

extension TestCertificate {
    private static let authorityCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmTCCAT+gAwIBAgIURbNZyp7HKDSK0fRbW4A0x3k21RswCgYIKoZIzj0EAwIw
        ITEfMB0GA1UEAwwWZnJlc2hldCB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxOTA3
        MTZaGA8yMTI2MTEwMjE5MDcxNlowITEfMB0GA1UEAwwWZnJlc2hldCB0ZXN0IGF1
        dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDALRTrgSrkbBtp5DYTT
        EktJrB3U7fQTHj23HImbE9aYtzfBPOwLOnjMt0K/tvde951kGxmnoK74zVycxHYZ
        efWjUzBRMB0GA1UdDgQWBBSaQ82bcWW7N+z5Q9tZ/fcOW8sSDzAfBgNVHSMEGDAW
        gBSaQ82bcWW7N+z5Q9tZ/fcOW8sSDzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
        BAMCA0gAMEUCIQCopY0o48jzLqRdNCIztBB6ar1NDkhljSrvRRSRq9cRjgIgDuoQ
        QIy3PCNCD5xTsbQiSIeyZJ3NCds3B5V1GZKqA9I=
        -----END CERTIFICATE-----
        """

    private static let authorityKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG7ZmTqrEb7cntBv/
        /n7iRNxJsACk87RxTYVn0KpSjw6hRANCAAQwC0U64Eq5GwbaeQ2E0xJLSawd1O30
        Ex49txyJmxPWmLc3wTzsCzp4zLdCv7b3XvedZBsZp6Cu+M1cnMR2GXn1
        -----END PRIVATE KEY-----
        """

    private static let serverCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBqjCCAU+gAwIBAgIUGSbgTheacPNQgDNUZIaCD0CqBVcwCgYIKoZIzj0EAwIw
        ITEfMB0GA1UEAwwWZnJlc2hldCB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxOTA3
        MTZaGA8yMTI2MDcyNTE5MDcxNlowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYH
        KoZIzj0CAQYIKoZIzj0DAQcDQgAEsf1vgQcHvktlAsfDPRU4F/uuFd7ZySJMTPa5
        E/wSREfCG+Hc4hor8bw1jWuwexD5qF5o31a82DUrmV9X8DLr+aNwMG4wLAYDVR0R
        BCUwI4IJbG9jYWxob3N0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABMB0GA1UdDgQW
        BBSoyFiq2eGe5G/wom4+jgv3y/0x5jAfBgNVHSMEGDAWgBSaQ82bcWW7N+z5Q9tZ
        /fcOW8sSDzAKBggqhkjOPQQDAgNJADBGAiEA8GeRAKxuHUchofN58WUi4f1wCuqh
        EAHHNITYwwFyyLECIQD7S+jSsRR92rkmU1TflzrIdvtEdSPybyur+q65P9OJKg==
        -----END CERTIFICATE-----
        """

    private static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmtI7lrMkTsOpv2Rb
        p4TDiYZUHc3icIsgk/jYievXqxWhRANCAASx/W+BBwe+S2UCx8M9FTgX+64V3tnJ
        IkxM9rkT/BJER8Ib4dziGivxvDWNa7B7EPmoXmjfVrzYNSuZX1fwMuv5
        -----END PRIVATE KEY-----
        """

    private static let clientCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBnjCCAUOgAwIBAgIUGSbgTheacPNQgDNUZIaCD0CqBVgwCgYIKoZIzj0EAwIw
        ITEfMB0GA1UEAwwWZnJlc2hldCB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxOTA3
        MTZaGA8yMTI2MDcyNTE5MDcxNlowHjEcMBoGA1UEAwwTZnJlc2hldCB0ZXN0IGNs
        aWVudDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABL5imBZXhL/1WLtrzCnlQuKe
        ADTUCQPhuCOZ80fziuXaE3FNPeW5cew5UT2mMTPQnEsPx3wQEIEQp3tMvvCl5Nej
        WjBYMBYGA1UdEQQPMA2CC2NsaWVudC50ZXN0MB0GA1UdDgQWBBT3+9Ci0GPU5f4r
        EL0ToI2QimFyxDAfBgNVHSMEGDAWgBSaQ82bcWW7N+z5Q9tZ/fcOW8sSDzAKBggq
        hkjOPQQDAgNJADBGAiEA9IGfSXXDOB0c7ZxJwlqofBgWK0xPluQE+M6t5IEHzfoC
        IQDmG2WvL0xn5AiTl9K/B1nB/OvcaYHU9LlduJjm3HICvw==
        -----END CERTIFICATE-----
        """

    private static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTp84a/chtTrP9qvW
        CvdmncUmnbx4PnSwQwKbyLbGsQShRANCAAS+YpgWV4S/9Vi7a8wp5ULingA01AkD
        4bgjmfNH84rl2hNxTT3luXHsOVE9pjEz0JxLD8d8EBCBEKd7TL7wpeTX
        -----END PRIVATE KEY-----
        """

    private static let elsewhereCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUGSbgTheacPNQgDNUZIaCD0CqBVkwCgYIKoZIzj0EAwIw
        ITEfMB0GA1UEAwwWZnJlc2hldCB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjYxOTA3
        MTZaGA8yMTI2MDcyNTE5MDcxNlowGTEXMBUGA1UEAwwOZWxzZXdoZXJlLnRlc3Qw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAShcJOe1md+pxsxsRvBcjXp8dGYo7Xu
        w2v3XyBXyPt0VPTsnNQLxJOMeMaUOGqJBnzpZX1ySoDWaBSNIkuApUzho10wWzAZ
        BgNVHREEEjAQgg5lbHNld2hlcmUudGVzdDAdBgNVHQ4EFgQUUkZ7tL6keroWiROt
        wWltS566GQswHwYDVR0jBBgwFoAUmkPNm3Fluzfs+UPbWf33DlvLEg8wCgYIKoZI
        zj0EAwIDSAAwRQIhAKWEvlOBPmadGeRS8BSVmEO1/OOLYAS0JSlunzWeUY+cAiB/
        9SpaG7xBq9VNhrb3hsNn410kwboYaGqyrHDEjqAYtw==
        -----END CERTIFICATE-----
        """

    private static let elsewhereKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjV4YFaYIafTja5q1
        N81OkuRU8hmXYvpUspRt/e8sP7uhRANCAAShcJOe1md+pxsxsRvBcjXp8dGYo7Xu
        w2v3XyBXyPt0VPTsnNQLxJOMeMaUOGqJBnzpZX1ySoDWaBSNIkuApUzh
        -----END PRIVATE KEY-----
        """

    private static let expiredCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBHDCBwwIBATAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZmcmVzaGV0IHRlc3Qg
        YXV0aG9yaXR5MB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowFDESMBAG
        A1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY61c1+f7
        MW2QTuQxo4JlG6Rp78mU6pvqYHbD2PpifCfylmpwRU+1bXpDh8uputadMOQt/t76
        21uJmdxGwt78VDAKBggqhkjOPQQDAgNIADBFAiEA1RmGBoabGUQShk34/JOLFUQZ
        6IsBRgLkmJ9PnRXdU8YCIFYRm+7CwEDkhQlAQKF4qyz9a8d7M6MFsC5XxY7kAhpk
        -----END CERTIFICATE-----
        """

    private static let expiredKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4OgGva7/rYdrMa6g
        EY5wmeyHm5K6lYJMtYuEy0ZsZWChRANCAARjrVzX5/sxbZBO5DGjgmUbpGnvyZTq
        m+pgdsPY+mJ8J/KWanBFT7VtekOHy6m61p0w5C3+3vrbW4mZ3EbC3vxU
        -----END PRIVATE KEY-----
        """
}
