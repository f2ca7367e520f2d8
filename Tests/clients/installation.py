"""Installs a package, runs its unit as systemd would, feeds the daemon, upgrades, removes and purges it; twice.

    installation.py PACKAGE NEWER_PACKAGE      as root, in a system that may be spoilt

Plays systemd's part: starts what the unit says as the user it says, listens for its notices, and wants the watchdog's.
Needs nothing but Python's standard library.
"""
import configparser
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile

UNIT = "/usr/lib/systemd/system/freshet.service"
STATE, SOCKET = "/var/lib/freshet/state.sqlite", "/run/freshet/freshet.sock"


def run(*command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    assert done.returncode == 0, f"{' '.join(command)} ends with {done.returncode}: {done.stdout}"
    return done.stdout


def ask(*command):
    return run("freshet", *command, "--socket", SOCKET, "--table").strip()


class Service:
    """One run of the unit's ExecStart."""

    def __init__(self):
        unit = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
        unit.optionxform = str
        unit.read(UNIT)
        service = unit["Service"]
        assert service["Type"] == "notify"
        user = pwd.getpwnam(service["User"])
        self.folder = tempfile.TemporaryDirectory()
        os.chown(self.folder.name, user.pw_uid, user.pw_gid)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(self.folder.name, "notify")
        self.notices.bind(path)
        os.chown(path, user.pw_uid, user.pw_gid)
        self.notices.settimeout(60)
        self.process = subprocess.Popen(
            service["ExecStart"].split(), user=user.pw_uid, group=user.pw_gid, extra_groups=[], umask=0o027,
            cwd="/", env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open("/var/log/freshet-test", "a"))
        self.wait("READY=1")

    def wait(self, notice):
        """Takes notices until one says this."""
        while True:
            lines = self.notices.recv(4096).decode().split("\n")
            if notice in lines:
                return lines

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.wait("STOPPING=1")
        code = self.process.wait(60)
        assert code == 0, f"it ends with {code}"


def main(package, newer):
    print("dpkg --install")
    run("dpkg", "--install", package)
    for file in [
        UNIT, "/etc/freshet/freshet.yaml", "/usr/share/man/man1/freshet.1.gz",
        "/usr/share/bash-completion/completions/freshet", "/usr/share/zsh/vendor-completions/_freshet",
        "/usr/share/fish/vendor_completions.d/freshet.fish", "/usr/share/freshet/prometheus/alerts.yaml",
    ]:
        assert os.path.getsize(file) > 0, file
    assert pwd.getpwnam("freshet").pw_uid != 0
    assert os.stat("/etc/freshet/freshet.yaml").st_mode & 0o777 == 0o640
    assert os.stat("/var/lib/freshet").st_uid == pwd.getpwnam("freshet").pw_uid
    # The unit as systemd reads it, with what it calls in place.
    run("systemd-analyze", "verify", "--man=no", UNIT)
    words = subprocess.run(
        ["bash", "-c", ". /usr/share/bash-completion/completions/freshet; COMP_WORDS=(freshet rec); COMP_CWORD=1; "
         "COMP_LINE='freshet rec'; COMP_POINT=11; _freshet freshet rec freshet; echo \"${COMPREPLY[@]}\""],
        capture_output=True, text=True)
    assert "recommend" in words.stdout, words
    doctor = subprocess.run(
        ["setpriv", "--reuid", "freshet", "--regid", "freshet", "--clear-groups", "freshet", "doctor", "--config",
         "/etc/freshet/freshet.yaml"], capture_output=True, text=True)
    assert doctor.returncode == 0, doctor.stdout

    print("started, fed, reloaded, watched")
    service = Service()
    service.wait("WATCHDOG=1")
    events = run("freshet", "simulate", "--users", "50", "--items", "60", "--events", "2000", "--seed", "3")
    run("freshet", "feed", "-", "--socket", SOCKET, input=events)
    token = ask("rate", "u1", "i1", "5")
    first = ask("recommend", "u1", "--after", token)
    assert "i" in first
    service.process.send_signal(signal.SIGHUP)
    reloading = service.wait("RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") for line in reloading)
    service.wait("READY=1")
    # The owner's and the group's alone.
    assert os.stat(STATE).st_mode & 0o007 == 0 and os.stat(SOCKET).st_mode & 0o777 == 0o660
    assert os.stat(STATE).st_uid == pwd.getpwnam("freshet").pw_uid

    print("upgraded under the running daemon")
    with open("/etc/freshet/freshet.yaml", "a") as file:
        file.write("# mine\n")
    run("dpkg", "--install", newer)
    assert "# mine" in open("/etc/freshet/freshet.yaml").read(), "a changed configuration is kept"
    assert ask("recommend", "u1") == first, "until it is restarted the old one answers"
    service.stop()
    service = Service()
    assert ask("recommend", "u1") == first, "the new one goes on from the state"
    service.stop()

    print("removed, purged")
    run("dpkg", "--remove", "freshet")
    assert not os.path.exists("/usr/bin/freshet") and not os.path.exists(UNIT)
    assert os.path.exists(STATE) and os.path.exists("/etc/freshet/freshet.yaml"), "what is learned stays"
    run("dpkg", "--purge", "freshet")
    assert not os.path.exists("/var/lib/freshet") and not os.path.exists("/etc/freshet")

    print("installed without systemd, as in a container")
    run("userdel", "freshet")
    for tool in ["systemd-sysusers", "systemd-tmpfiles"]:
        os.rename(f"/usr/bin/{tool}", f"/usr/bin/{tool}.away")
    run("dpkg", "--install", package)
    user = pwd.getpwnam("freshet")
    assert user.pw_uid != 0 and os.stat("/run/freshet").st_uid == user.pw_uid
    service = Service()
    assert ask("rate", "u1", "i1", "5") == "0:0"
    service.stop()


main(*sys.argv[1:])
print("installation: all is well")
