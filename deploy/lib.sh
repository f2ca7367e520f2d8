# Functions of the scripts beside this file and of .ci/run. To be sourced by bash.

# What the build links against, and what the tests and the quick start call.
build_packages=(librdkafka-dev libopenblas-dev libcrypt-dev libsimdjson-dev libsqlite3-dev zlib1g-dev pkg-config)
test_packages=(redis-tools socat python3 prometheus curl openssl)
swift_min=6.2

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# A headline; in bold where somebody looks at it.
say() { if [[ -t 1 ]]; then printf '\n\033[1m== %s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi; }
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Prints the seconds a command takes under a headline; fails where it does.
step() {
    local title="$1" start=$SECONDS code=0
    shift
    say "$title"
    "$@" || code=$?
    ((code == 0)) || printf -- '-- %s: failed with %d after %d s\n' "$title" "$code" "$((SECONDS - start))"
    ((code == 0)) && printf -- '-- %s: %d s\n' "$title" "$((SECONDS - start))"
    return "$code"
}

# Ends the script where there is no Swift compiler, or one too old.
need_swift() {
    command -v swift >/dev/null ||
        fail "there is no swift on the PATH; install Swift $swift_min or later from https://www.swift.org/install"
    local version
    version="$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | sed -n 1p)"
    [[ -n "$version" ]] || fail "'swift --version' gives no version; does 'swift --version' work for this user?"
    [[ "$(printf '%s\n' "$swift_min" "$version" | sort -V | sed -n 1p)" == "$swift_min" ]] ||
        fail "Swift $version is too old; install $swift_min or later from https://www.swift.org/install"
    echo "Swift $version"
}

is_installed() { dpkg -s "$1" 2>/dev/null | grep '^Status: .* installed$' >/dev/null; }

# Installs the Debian packages named that are missing; touches nothing where all are there.
install_packages() {
    command -v dpkg >/dev/null && command -v apt-get >/dev/null ||
        fail "this is no Debian or Ubuntu (no apt-get); install the likes of these yourself: $*"
    local missing=() package
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    if ((${#missing[@]} == 0)); then
        echo "all ${#} packages are installed"
        return
    fi
    local root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            fail "missing packages: ${missing[*]}; run as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# The environment may configure another daemon; the scripts' own shall not hear of it.
forget_settings() {
    local variable
    for variable in "${!FRESHET_@}"; do
        [[ "$variable" == FRESHET_TEST_* ]] || unset "$variable"
    done
}

# Starts `freshet serve` with the arguments given, in the background, and waits until it answers on the socket.
# Sets `daemon` to its process id. Needs: freshet (path of the program), socket, log (file for its messages).
start_daemon() {
    # No stream of ours: a daemon that stays would keep a pipe open, and whoever reads it waiting.
    "$freshet" serve "$@" </dev/null >>"$log" 2>&1 &
    daemon=$!
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        "$freshet" status --socket "$socket" >/dev/null 2>&1 && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    cat "$log" >&2
    fail "the daemon does not answer on $socket; its messages stand above"
}

# Prints where a daemon serves HTTP, as its messages have it. Argument: the file of its messages.
http_address() { sed -n 's/.* address=\(https\{0,1\}:[^ ]*\) .*/\1/p' "$1" | tail -n 1; }

# SIGTERM, and the exit code of a stop in order.
stop_daemon() {
    local process="$daemon"
    daemon=
    kill "$process"
    wait "$process"
}

# For a trap: leaves no daemon behind, whatever went wrong.
kill_daemon() {
    [[ -n "${daemon:-}" ]] || return 0
    kill -9 "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    daemon=
}

# Prints one value of STATUS.
status() { "$freshet" status --socket "$socket" --table ${2:-} | awk -v name="$1" '$1 == name { print $2 }'; }
