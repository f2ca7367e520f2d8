import Checkpoints
import Foundation
import TestSupport
import Testing

@testable import Exporting

@Suite("rows for other tools")
struct ExportingTests {
    private func table(normalized: Bool = false) -> ExportedTable {
        var table = ExportedTable(owner: .items, model: "likes")
        table.add(
            StoredVector(
                id: "a b%", title: "One, \"two\"\tthree", tags: ["x", "y"], takers: 3, bias: 0.5,
                vector: [3, 4]),
            normalized: normalized)
        table.add(
            StoredVector(id: "ü", title: nil, tags: [], takers: 9, bias: -1, vector: [0.25, -2]),
            normalized: normalized)
        return table
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    @Test("word2vec's file has counts, then a line a row; a blank of an id parts nothing")
    func word2vec() throws {
        let folder = Folder()
        let written = try table().write(.word2vec, to: folder.path + "/w")
        #expect(written == [folder.path + "/w"])
        #expect(try text(written[0]) == "2 2\na%20b%25 3.0 4.0\nü 0.25 -2.0\n")
    }

    @Test("CSV quotes what has to be quoted")
    func csv() throws {
        let folder = Folder()
        let written = try table().write(.csv, to: folder.path + "/c")
        #expect(
            try text(written[0])
                == "id,title,tags,users,bias,f0,f1\na b%,\"One, \"\"two\"\"\tthree\",x|y,3,0.5,3.0,4.0\nü,,,9,-1.0,0.25,-2.0\n"
        )
    }

    @Test("the projector's files have a line a row, and no tab of a title parts columns")
    func projector() throws {
        let folder = Folder()
        let written = try table(normalized: true).write(.projector, to: folder.path + "/p")
        #expect(written.count == 3)
        #expect(try text(written[0]).hasPrefix("0.6\t0.8\n"))
        #expect(
            try text(written[1])
                == "id\ttitle\ttags\tusers\tbias\na b%\tOne, \"two\" three\tx|y\t3\t0.5\nü\t\t\t9\t-1.0\n")
        #expect(try text(written[2]).contains("tensor_path: \"vectors.tsv\""))
    }

    @Test("NumPy's arrays begin with a header of a multiple of 64 bytes, that tells type and shape")
    func numpy() throws {
        let folder = Folder()
        let written = try table().write(.npy, to: folder.path + "/n")
        let vectors = [UInt8](try Data(contentsOf: URL(filePath: written[0])))
        #expect(Array(vectors.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
        let length = Int(vectors[8]) + Int(vectors[9]) << 8
        #expect((10 + length) % 64 == 0)
        let header = String(decoding: vectors[10..<10 + length], as: UTF8.self)
        #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"))
        #expect(header.hasSuffix("\n"))
        #expect(vectors.count == 10 + length + 16)
        // 3 is 0x40400000.
        #expect(Array(vectors[(10 + length)..<(14 + length)]) == [0, 0, 0x40, 0x40])
        let ids = [UInt8](try Data(contentsOf: URL(filePath: written[2])))
        #expect(String(decoding: ids[10..<40], as: UTF8.self).contains("'<U4'"))
        #expect(ids.suffix(16) == [0xFC, 0, 0, 0] + [UInt8](repeating: 0, count: 12))
    }

    @Test("the items that most users took are kept, in their order")
    func mostTaken() {
        var table = table()
        table.keepMostTaken(1)
        #expect(table.rows.map(\.id) == ["ü"])
        table.keepMostTaken(5)
        #expect(table.rows.count == 1)
    }

    @Test("a place that cannot be written is an error that names it")
    func unwritable() throws {
        let folder = Folder()
        try Data().write(to: URL(filePath: folder.path + "/f"))
        #expect(throws: (any Error).self) { try table().write(.npy, to: folder.path + "/f") }
        #expect(throws: (any Error).self) { try table().write(.csv, to: folder.path + "/none/c") }
    }
}
