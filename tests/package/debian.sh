#!/usr/bin/env bash
# debian.sh SOURCE BUILD CMAKE COMPILER: makes Debian's packages of BUILD, installs them into a root
# of their own, and looks at them as a user would and as lintian would. 77: tools are missing.
set -euo pipefail
source=$1 build=$2 cmake=$3 compiler=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
as_root=()
[ "$(id -u)" = 0 ] || as_root=(fakeroot)
for tool in dpkg dpkg-deb dpkg-shlibdeps file gzip objcopy "${as_root[@]}"; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is missing"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset HYDRA_DATA HYDRA_SCENARIOS
fail() { printf 'package: %s\n' "$*"; exit 1; }

"$(dirname "$cmake")/cpack" --config "$build/CPackConfig.cmake" -G DEB -B "$folder/made" \
  >"$folder/cpack.log" 2>&1 || { cat "$folder/cpack.log"; fail "cpack failed"; }
program=$(echo "$folder"/made/hydra-compute_*.deb)
development=$(echo "$folder"/made/libhydra-dev_*.deb)
field() { dpkg-deb -f "$1" "$2"; }

# What the packages say of themselves.
version=$(field "$program" Version)
[[ $(field "$program" Depends) == *libc6*libstdc++6* ]] || fail "libraries are not depended on"
[ "$(field "$program" Conflicts)" = hydra ] || fail "the other hydra may be overwritten"
[[ $(field "$development" Depends) == *"hydra-compute (= $version)"* ]] ||
  fail "libhydra-dev does not want the program of its own version"
for deb in "$program" "$development"; do
  for name in Maintainer Section Priority Description Installed-Size; do
    [ -n "$(field "$deb" $name)" ] || fail "$deb has no $name"
  done
  dpkg-deb -c "$deb" | awk '$2 != "root/root" || ($1 !~ /^drwxr-xr-x$/ &&
    !($1 ~ /^-rwxr-xr-x$/ && $6 ~ /^\.\/usr\/bin\//) && $1 !~ /^-rw-r--r--$/) { print; bad = 1 }
    END { exit bad }' || fail "wrong owner or permissions"
done

# Installed as dpkg does it, with a list of packages of its own.
root=$folder/root
mkdir -p "$root"/var/lib/dpkg/{updates,info}
: >"$root/var/lib/dpkg/status"
dpkg_there() {
  "${as_root[@]}" dpkg --root="$root" --force-depends --force-not-root --log=/dev/null "$@" \
    >"$folder/dpkg.log" 2>&1 || { cat "$folder/dpkg.log"; fail "dpkg $1"; }
}
dpkg_there -i "$program" "$development"
(cd "$root" && cat var/lib/dpkg/info/*.md5sums | md5sum --quiet -c) || fail "damaged files"

# No path of the build is inside; of the libraries' debug information the user's own strip gets rid.
for library in "$root"/usr/lib/*/lib*.a "$root"/usr/lib/lib*.a; do
  [ ! -e "$library" ] || objcopy --strip-debug "$library"
done
if grep -rlF -e "$source" -e "$build" "$root/usr"; then fail "paths of the build are inside"; fi
if readelf -S "$root/usr/bin/hydra" | grep -q debug_info; then fail "hydra is not stripped"; fi

doc=$root/usr/share/doc
for package in hydra-compute libhydra-dev; do
  grep -q '^License: CC-BY-4.0' "$doc/$package/copyright" || fail "$package has no copyright"
  gzip -dc "$doc/$package/changelog.Debian.gz" | grep -qF "$package ($version)" ||
    fail "$package has no changelog of this version"
done
grep -q 'CC BY 4.0' "$root/usr/share/hydra/data/README.md" || fail "data without provenance"
for page in man/man1/hydra.1.gz bash-completion/completions/hydra zsh/vendor-completions/_hydra \
  fish/vendor_completions.d/hydra.fish; do
  [ -s "$root/usr/share/$page" ] || fail "share/$page is missing"
done
if command -v man >/dev/null; then
  found=$(man -M "$root/usr/share/man" -w hydra) || fail "man does not find the page"
  [ "$found" = "$root/usr/share/man/man1/hydra.1.gz" ] || fail "man finds $found"
fi

# It works from any directory, and as the one that was built.
cd /
arguments=(sim run hello --no-out --json --no-timings)
"$root/usr/bin/hydra" "${arguments[@]}" >"$folder/installed.json" || fail "hello failed"
"$build/bin/hydra" "${arguments[@]}" >"$folder/built.json"
cmp "$folder/installed.json" "$folder/built.json"
[ "$("$root/usr/bin/hydra" sim list -o csv | wc -l)" -ge 6 ] || fail "scenarios are not listed"
"$here/consume.sh" find_package "$source" "$build" "$cmake" "$compiler" "$root/usr"

dpkg_there -r hydra-compute libhydra-dev
[ -z "$(find "$root" -path "$root/var" -prune -o -type f -print)" ] ||
  fail "files are left after removal"
echo "hydra-compute and libhydra-dev $version: installed, looked at, used and removed"
