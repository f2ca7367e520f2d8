import Foundation
import Settings
import Testing

@testable import Diagnosis

@Suite("what findings are made of what is seen")
struct FindingTests {
    @Test("a processor's kernels are told by its flags; one without AVX2 is a warning with what to do")
    func processor() {
        let fast = "model name : Fast\nflags : fpu avx2 avx512f avx512vl avx512_vnni\n"
        #expect(
            ProcessorFindings.features(ofProcessor: fast)
                == .ok("processor", "Fast, AVX-512 VNNI: the fastest kernels"))
        let usual = "model name\t: Usual\nflags\t\t: fpu avx2\n"
        #expect(ProcessorFindings.features(ofProcessor: usual) == .ok("processor", "Usual, AVX2"))
        let old = ProcessorFindings.features(ofProcessor: "model name : Old\nflags : fpu sse2\n")
        #expect(old.level == .warning)
        #expect(old.remedy?.contains("-cpu host") == true)
        #expect(ProcessorFindings.features(ofProcessor: "Features : neon\n").level == .ok)
    }

    @Test("less than a core of a control group is a warning")
    func cores() {
        #expect(ProcessorFindings.cores(2, quota: "50000 100000").level == .warning)
        #expect(
            ProcessorFindings.cores(4, quota: "200000 100000\n").found
                == "4 cores, of which the control group grants 2")
        #expect(ProcessorFindings.cores(4, quota: "max 100000").found == "4 cores")
        #expect(ProcessorFindings.cores(2, quota: nil).level == .ok)
    }

    @Test("a clock that nobody keeps is a warning, one before this program's time an error")
    func clock() {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        #expect(ClockFindings.finding(isSynchronised: true, now: now).level == .ok)
        #expect(ClockFindings.finding(isSynchronised: false, now: now).level == .warning)
        let past = Date(timeIntervalSince1970: 1_000_000)
        #expect(ClockFindings.finding(isSynchronised: true, now: past).level == .error)
    }

    @Test("the disk has to hold a state twice over, and at the very least a checkpoint of a small one")
    func disk() {
        let gibibyte: Int64 = 1 << 30
        #expect(FolderFindings.room(free: 5 * gibibyte, kept: 2 * gibibyte, at: "/x").level == .ok)
        #expect(FolderFindings.room(free: 5 * gibibyte, kept: 6 * gibibyte, at: "/x").level == .warning)
        #expect(FolderFindings.room(free: gibibyte / 2, kept: 0, at: "/x").level == .warning)
        #expect(FolderFindings.room(free: 1 << 20, kept: 0, at: "/x").level == .error)
        #expect(ByteText.text(1536) == "1.5 KiB")
        #expect(ByteText.text(77 << 20) == "77 MiB")
    }

    @Test("a position before or behind what the log holds is an error, each with its own remedy")
    func position() {
        let held: Range<Int64> = 10..<20
        #expect(LogFindings.position(of: 0, nil, held: held, in: "log").level == .ok)
        #expect(
            LogFindings.position(of: 0, 20, held: held, in: "log").found
                == "partition 0 holds 10 to 20, all learned")
        #expect(
            LogFindings.position(of: 0, 15, held: held, in: "log").found
                == "partition 0 holds 10 to 20, 5 not learned yet")
        let gap = LogFindings.position(of: 0, 9, held: held, in: "log")
        #expect(gap.level == .error)
        #expect(gap.remedy?.contains("source.on-gap: skip") == true)
        let other = LogFindings.position(of: 0, 21, held: held, in: "log")
        #expect(other.level == .error)
        #expect(other.found.contains("another log"))
    }

    @Test("bounds of open files and memory are read as /proc has them")
    func limits() {
        let text = """
            Limit                     Soft Limit           Hard Limit           Units
            Max file size             unlimited            unlimited            bytes
            Max open files            1024                 524288               files
            """
        #expect(LimitFindings.limit("Max open files", in: text)?.soft == 1024)
        #expect(LimitFindings.limit("Max open files", in: text)?.hard == 524_288)
        #expect(LimitFindings.limit("Max file size", in: text)?.soft == .max)
        #expect(LimitFindings.limit("Max locks", in: text) == nil)
        #expect(LimitFindings.available(in: "MemTotal: 9 kB\nMemAvailable:   2048 kB\n") == 2_097_152)
        let gibibyte: Int64 = 1 << 30
        func level(_ resident: Int64?, _ state: Int64, _ group: Int64?) -> Finding.Level {
            LimitFindings.memory(resident: resident, stateBytes: state, group: group, available: 8 * gibibyte)
                .level
        }
        #expect(level(nil, gibibyte, nil) == .ok)
        #expect(level(nil, 4 * gibibyte, nil) == .error)
        #expect(level(gibibyte, 0, gibibyte * 11 / 10) == .warning)
        #expect(level(gibibyte, 0, gibibyte / 2) == .error)
    }

    @Test("an old library is told with the package that replaces it")
    func library() {
        #expect(LibraryFindings.version("x", "2.0.2", atLeast: [2, 0], "libx").level == .ok)
        #expect(LibraryFindings.version("x", "3.1.1, icelake", atLeast: [3, 0], "libx").level == .ok)
        let old = LibraryFindings.version("x", "1.9.2", atLeast: [2, 0], "libx")
        #expect(old.level == .warning)
        #expect(old.remedy == "install a newer libx")
        #expect(LibraryFindings.all.allSatisfy { $0.level == .ok })
    }

    @Test("messages of files are parted into what is and what to do")
    func split() {
        #expect(StateFindings.split("it is damaged. Put back a copy").found == "it is damaged")
        #expect(StateFindings.split("no room; free some").remedy == "free some")
    }
}
