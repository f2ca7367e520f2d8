import Foundation
import TestSupport
import Testing
import TransportSecurity

@testable import HTTPServer

@Suite("HTTPS")
struct SecureTests {
    @Test("with a certificate TCP speaks HTTPS alone")
    func secure() async throws {
        let folder = TestSupport.Folder()
        let authority = try TestCertificate.authority.write(to: folder.path).certificate
        let (certificate, key) = try TestCertificate.server.write(to: folder.path)
        let security = try ServerSecurity(
            TLSFiles(certificate: certificate, key: key), protocols: ["http/1.1"])
        try await withSite({ $0.security = security }) { site in
            #expect(site.address.hasPrefix("https://127.0.0.1:"))
            let port = try #require(Int(site.address.split(separator: ":").last ?? ""))
            let way = SecureWay(try ClientSecurity(authorities: authority))
            for _ in 0..<2 {
                let connection = TCPConnection(
                    try way.connect(to: "localhost", port: port, timeout: .seconds(20)))
                connection.send(
                    "GET /v1/recommend/u1?count=2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                #expect(try Answer(connection.receiveToEnd()).status == 200)
            }
            let asking = TCPConnection(try way.connect(to: "localhost", port: port, timeout: .seconds(20)))
            asking.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            let ends = Int64(security.ends.timeIntervalSince1970)
            #expect(
                try Answer(asking.receiveToEnd()).text.contains(
                    "freshet_tls_certificate_expiry_timestamp_seconds{server=\"http\"} \(ends)\n"))
            let plain = try TCPConnection(site.address)
            plain.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(!String(decoding: plain.receiveToEnd(), as: UTF8.self).contains("HTTP/1.1 200"))
        }
    }
}
