# shellcheck shell=bash
# A bare Debian 12 in containers, for the scripts that try what is handed out. Sourced after common.sh, never run.
#
# Needs root, and a network that reaches Debian's packages. Everything is named localhost/sluice-check-…; the base is kept
# for the next time.

# Where nothing else says how containers run: on the host's network, without a daemon.
containers_begin() {
    require_packages podman buildah runc debootstrap
    containers=$(mktemp -d)
    printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nnetns = "host"\n%s\n' \
        '[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"' >"$containers/containers.conf"
    export CONTAINERS_CONF=$containers/containers.conf
}

# Makes localhost/sluice-check-base: Debian 12 with nothing but what a system must have, as slim as the usual image of it.
base_image() {
    ! podman image exists localhost/sluice-check-base || return 0
    say "a bare Debian 12 (about two minutes the first time)"
    local folder=$containers/debian log=$containers/debian.log
    debootstrap --variant=minbase bookworm "$folder" >"$log" 2>&1 || { tail -n 5 "$log" >&2; die "debootstrap failed."; }
    # Updates come from where this machine has them.
    rm -f "$folder/etc/apt/sources.list"
    cp /etc/apt/sources.list.d/*.sources "$folder/etc/apt/sources.list.d/" 2>/dev/null ||
        cp /etc/apt/sources.list "$folder/etc/apt/"
    rm -rf "$folder"/usr/share/{doc,man,locale}/* "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/*
    tar -C "$folder" -c . | podman import -q - localhost/sluice-check-base >/dev/null
    rm -rf "$folder"
}

# derived_image NAME FROM COMMAND [OPTION of podman run …]: an image after a shell command was run in another one.
derived_image() {
    local name=$1 from=$2 command=$3 made
    shift 3
    made=$(podman create "$@" "localhost/$from" sh -ec "$command")
    podman start -a "$made" >"$containers/$name.log" 2>&1 || {
        tail -n 20 "$containers/$name.log" >&2
        podman rm -f "$made" >/dev/null
        die "the image $name couldn't be made."
    }
    podman commit -q "$made" "localhost/$name" >/dev/null
    podman rm -f "$made" >/dev/null
}
