#!/bin/sh
# Puts a statically linked busybox at $1: the machine's own, or the one of Debian's package busybox-static.
set -eu
target=$1
mkdir -p "$(dirname "$target")"

is_static() {
    [ -x "$1" ] && "$1" true 2>/dev/null && ! grep -aq '/ld-\(linux\|musl\)' "$1"
}

for found in /bin/busybox /usr/bin/busybox; do
    if is_static "$found"; then
        install -m 0755 "$found" "$target"
        exit 0
    fi
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "no static busybox here, and no apt-get to fetch one: put a static Linux busybox at $target" >&2
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! (cd "$work" && apt-get download -qq busybox-static 2>/dev/null); then
    [ "$(id -u)" = 0 ] && apt-get update -qq
    (cd "$work" && apt-get download -qq busybox-static)
fi
dpkg-deb -x "$work"/busybox-static_*.deb "$work/root"
install -m 0755 "$(find "$work/root" -name busybox -type f | head -n 1)" "$target"
