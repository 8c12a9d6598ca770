#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: makes a minimal chroot, clones this repository's HEAD into it and runs a door
# command there. As root, with the packages mmdebstrap and gpgv.
#     tools/bare.sh [DOOR ARGUMENTS...]        default: demo, then demo again
#     BARE=DIR tools/bare.sh ...               keeps the chroot in DIR and uses it again
# The chroot gets the host's own apt sources and options, so that it works wherever the host can install.
set -euo pipefail
repository=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
root=${BARE:-$(mktemp -d /var/tmp/bare.XXXXXX)}
cleanup() {
  for mount in dev/pts dev proc sys; do mountpoint -q "$root/$mount" && umount -l "$root/$mount"; done
  [ -n "${BARE:-}" ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT

if [ ! -e "$root/etc/debian_version" ]; then
  sources=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
    [ -s "$file" ] && sources+=("$file")
  done
  options=$(mktemp)
  grep -lE '^ *Acquire::' /etc/apt/apt.conf.d/* | xargs -r cat > "$options"
  mmdebstrap --quiet --variant=apt --include=git,ca-certificates --aptopt="$options" \
    --aptopt='Apt::Key::gpgvcommand "/usr/bin/gpgv"' bookworm "$root" "${sources[@]}"
  rm -f "$options"
fi
cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
cp -a /etc/apt/keyrings /etc/apt/auth.conf.d /etc/apt/trusted.gpg.d "$root/etc/apt/" 2>/dev/null || true
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
for mount in proc sys dev dev/pts; do mountpoint -q "$root/$mount" || mount --bind "/$mount" "$root/$mount"; done

rm -rf "$root/root/sluice"
git clone -q "$repository" "$root/root/sluice"
inside() { chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI="${CI:-}" bash -c "cd /root/sluice && time ./run $*"; }
if [ $# -gt 0 ]; then
  inside "$@"
else
  inside demo
  inside demo
fi
