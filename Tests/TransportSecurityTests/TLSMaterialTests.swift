import Foundation
import TestSupport
import Testing

@testable import TransportSecurity

@Suite("certificates and keys as files")
struct TLSMaterialTests {
    private let folder = TestSupport.Folder()

    private func files(
        _ certificate: TestCertificate, key: TestCertificate? = nil
    ) throws -> TLSFiles {
        let first = try certificate.write(to: folder.path)
        let second = try (key ?? certificate).write(to: folder.path)
        return TLSFiles(certificate: first.certificate, key: second.key)
    }

    private func refusal(_ files: TLSFiles) -> String {
        do throws(TransportSecurityError) {
            _ = try TLSMaterial(files)
            return "it was taken"
        } catch {
            return error.description
        }
    }

    @Test("a certificate with its key is taken, and says when it ends")
    func taken() throws {
        let material = try TLSMaterial(try files(.server))
        #expect(material.ends > Date(timeIntervalSinceNow: 365 * 86_400))
        var mutual = try files(.server)
        mutual.clientAuthorities = try TestCertificate.authority.write(to: folder.path).certificate
        _ = try TLSMaterial(mutual)
    }

    @Test("a key that others may read is refused, and that it is")
    func openKey() throws {
        let files = try files(.server)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: files.key)
        #expect(refusal(files).contains("has mode 0644; others may not read it"))
    }

    @Test("what is missing, no PEM, or not what it should be is told with its path")
    func wrongFiles() throws {
        let fine = try files(.server)
        var wrong = fine
        wrong.certificate = folder.path + "/none.pem"
        #expect(refusal(wrong) == "'\(wrong.certificate)' cannot be read: No such file or directory")
        wrong = fine
        wrong.key = folder.path + "/none.key"
        #expect(refusal(wrong) == "key '\(wrong.key)': cannot be read: No such file or directory")
        wrong = fine
        wrong.certificate = fine.key
        #expect(refusal(wrong).hasPrefix("'\(fine.key)' holds no certificate in PEM"))
        wrong = fine
        wrong.clientAuthorities = fine.key
        #expect(refusal(wrong).hasPrefix("'\(fine.key)' holds no certificate in PEM"))
        let text = folder.path + "/text.key"
        try "no key".write(toFile: text, atomically: true, encoding: .utf8)
        chmod(text, 0o600)
        wrong = fine
        wrong.key = text
        #expect(refusal(wrong).hasPrefix("'\(text)' holds no private key in PEM"))
    }

    @Test("a key that belongs to another certificate is refused")
    func otherKey() throws {
        #expect(refusal(try files(.server, key: .client)).contains("does not fit the first certificate"))
    }

    @Test("a certificate that has ended is refused, and one that does not hold yet")
    func dates() throws {
        let expired = try files(.expired)
        #expect(refusal(expired).contains("ended at 2021-01-01T00:00:00Z"))
        _ = try TLSMaterial(expired, at: Date(timeIntervalSince1970: 1_600_000_000))
        do throws(TransportSecurityError) {
            _ = try TLSMaterial(expired, at: Date(timeIntervalSince1970: 1_500_000_000))
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains("does not hold before 2020-01-01T00:00:00Z"))
        }
    }
}
