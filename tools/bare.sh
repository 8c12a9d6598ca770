#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: makes a minimal chroot, clones this repository's HEAD into it and runs a door
# command there. As root, with the packages mmdebstrap and gpgv.
#     tools/bare.sh [DOOR ARGUMENTS...]        default: demo, then demo again
#     BARE=DIR tools/bare.sh ...               keeps the chroot in DIR and uses it again
# The chroot gets the host's own apt sources and options, so that it works wherever the host can install; its mounts live
# in a mount namespace of their own and its /dev is not the host's.
set -euo pipefail
repository=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
root=${BARE:-$(mktemp -d /var/tmp/bare.XXXXXX)}
[ -n "${BARE:-}" ] || trap 'rm -rf --one-file-system "$root"' EXIT

if [ ! -e "$root/etc/debian_version" ]; then
  sources=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
    [ -s "$file" ] && sources+=("$file")
  done
  options=$(mktemp)
  { grep -lE '^ *Acquire::' /etc/apt/apt.conf.d/* || true; } | xargs -r cat > "$options"
  mmdebstrap --quiet --variant=apt --include=git,ca-certificates --aptopt="$options" \
    --aptopt='Apt::Key::gpgvcommand "/usr/bin/gpgv"' bookworm "$root" "${sources[@]}"
  rm -f "$options"
fi
for path in apt.conf.d keyrings auth.conf.d trusted.gpg.d; do
  [ ! -d "/etc/apt/$path" ] || cp -a "/etc/apt/$path/." "$root/etc/apt/$path/"
done
cp /etc/resolv.conf /etc/hosts "$root/etc/"

rm -rf "$root/root/sluice"
git clone -q "$repository" "$root/root/sluice"
inside() {
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --propagation private --pid --fork bash -ec '
    root=$1; shift
    mount --bind "$root" "$root"  # namespaces inside want their / to be a mount point
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/net"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
      mknod -m 666 "$root/dev/${node% *}" c 1 "${node#* }"
    done
    mknod -m 666 "$root/dev/net/tun" c 10 200
    exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI="${CI:-}" \
      bash -c "cd /root/sluice && time ./run $*"' bash "$root" "$@"
}
if [ $# -gt 0 ]; then
  inside "$@"
else
  inside demo
  inside demo
fi
