# shellcheck shell=bash
# What the scripts beside this folder share. Sourced, never run.
#
# Everything here does nothing, quickly, where there is nothing to do.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
script=${0##*/}

# One line on what stands in the way, and what to do about it.
die() {
    printf '%s: %s\n' "$script" "$*" >&2
    exit 1
}

# A stage of the script, on standard error: standard output belongs to results.
say() { printf '== %s\n' "$*" >&2; }

# Installing ---------------------------------------------------------------------------------------------------------

require_swift() {
    command -v swift >/dev/null ||
        die "Swift 6.2 or newer isn't on the PATH; install it from https://www.swift.org/install and start this again."
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
    [ -n "$version" ] || die "'swift --version' doesn't name a version; is the toolchain complete?"
    local major=${version% *} minor=${version#* }
    [ "$major" -gt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -ge 2 ]; } ||
        die "Swift 6.2 or newer is needed, this is $major.$minor; see https://www.swift.org/install."
}

# Runs a command as root, asking for no password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n -- "$@"; fi
}

can_be_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs the named Debian packages that aren't there yet. A system without dpkg is left alone: its own package
# manager knows these libraries by other names, and the build says which one it lacks.
require_packages() {
    command -v dpkg-query >/dev/null || return 0
    local package missing=()
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "these packages are missing, and there is no apt-get: ${missing[*]}"
    can_be_root || die "these packages are missing; run 'sudo apt-get install ${missing[*]}' and start this again."
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! apt_install "${missing[@]}" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get couldn't install ${missing[*]} (its words are above)."
    fi
    rm -f "$log"
}

apt_install() {
    # PostgreSQL and nginx start themselves when they are installed. Nobody asked for that, so a policy stands in the
    # way for as long as the installation takes; a policy of the machine's own is respected.
    local policy=/usr/sbin/policy-rc.d own_policy=false status=0
    if [ ! -e "$policy" ]; then
        own_policy=true
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get -qq -o Acquire::Retries=3 update
        apt-get -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@"
    ' sh "$@" </dev/null || status=$?
    if $own_policy; then as_root rm -f "$policy"; fi
    return "$status"
}

# What the program itself is built from.
require_build_packages() { require_packages libsqlite3-dev libpq-dev zlib1g-dev libzstd-dev pkg-config; }

# Sets `python` to an interpreter that has what Tests/EndToEnd/requirements.txt names: the machine's own if it can
# import all of it, else one in .venv.
require_python() {
    local wanted="$root/Tests/EndToEnd/requirements.txt" venv="$root/.venv"
    python=python3
    if command -v python3 >/dev/null &&
        python3 -c 'import boto3, check_jsonschema, duckdb, kubernetes_validate, moto, orjson, pandas, polars, pyarrow, pytest, pytz, xdist, zstandard' 2>/dev/null; then return; fi
    python="$venv/bin/python"
    if [ -x "$python" ] && cmp -s "$wanted" "$venv/requirements.txt"; then return; fi
    require_packages python3 python3-venv
    say "installing what the end-to-end tests need into .venv"
    python3 -m venv "$venv" || die "'python3 -m venv' failed; is python3-venv there?"
    "$python" -m pip --quiet --disable-pip-version-check install --requirement "$wanted" ||
        die "pip couldn't install what Tests/EndToEnd/requirements.txt names; is PyPI within reach?"
    cp "$wanted" "$venv/requirements.txt"
}

# Building -----------------------------------------------------------------------------------------------------------

# Both kinds of build share .build and differ in one trait only: switching between them compiles this package's own
# modules again (a minute or two), while a second build folder would compile all dependencies again (ten minutes).

# The program as users get it.
build_program() { build_quietly --product sluice; }

# The program and all tests, with the fault injection that the tests need.
build_for_tests() { build_quietly --traits Failpoints --build-tests; }

build_quietly() {
    local log="$root/.build/last-build.log" started=$SECONDS
    mkdir -p "$root/.build"
    if [ -d "$root/.build/release" ]; then say "building"; else say "building (about ten minutes the first time)"; fi
    if [ -t 2 ]; then
        # Someone is watching: show where it is, on one line.
        swift build --package-path "$root" -c release "$@" 2>&1 | tee "$log" |
            while IFS= read -r line; do printf '\r\033[K%.110s' "$line" >&2; done || built=false
        printf '\r\033[K' >&2
        if [ "${built:-true}" = false ]; then build_failed "$log"; fi
    else
        swift build --package-path "$root" -c release "$@" >"$log" 2>&1 || build_failed "$log"
    fi
    say "built in $((SECONDS - started)) s"
}

build_failed() {
    grep -E ': (error|warning): ' "$1" | sort -u | head -n 40 >&2 || true
    tail -n 15 "$1" >&2
    die "the build failed; all that it said is in ${1#"$root"/}."
}

# Running ------------------------------------------------------------------------------------------------------------

group=
beside=
beside_log=
# Ends what `in_group` started, grandchildren included.
end_group() {
    [ -z "$group" ] || kill -KILL -- "-$group" 2>/dev/null || true
}
# And what `start_beside` started.
end_all() {
    end_group
    [ -z "$beside" ] || { kill -TERM "$beside" 2>/dev/null && wait "$beside" || true; }
    [ -z "$beside_log" ] || rm -f "$beside_log"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command in a process group of its own for at most so many seconds; nothing of it outlives the script.
in_group() {
    local seconds=$1 status=0
    shift
    setsid timeout --foreground --kill-after=10 "$seconds" "$@" </dev/null &
    group=$!
    wait "$group" || status=$?
    end_group
    group=
    [ "$status" -ne 124 ] || printf '%s: stopped after %s s: %s\n' "$script" "$seconds" "$*" >&2
    return "$status"
}

# Runs a command as `in_group` does, beside what follows; what it says is kept until `end_beside`.
start_beside() {
    beside_log=$(mktemp)
    (
        beside= beside_log=
        trap end_group EXIT
        trap 'exit 143' TERM
        in_group "$@"
    ) >"$beside_log" 2>&1 &
    beside=$!
}

# Waits for it, prints what it said, and returns its status.
end_beside() {
    local status=0
    wait "$beside" || status=$?
    beside=
    cat "$beside_log"
    rm -f "$beside_log"
    beside_log=
    return "$status"
}
