# Sourced by quickstart.sh and check.sh. Installs the packages of Debian 12 or Ubuntu 24.04 that a build needs, and does
# nothing, in milliseconds, when they are there.

packages_to_build="clang-19 lld-19 libclang-rt-19-dev binutils cmake ninja-build ccache pkg-config
  libisal-dev libzstd-dev liblz4-dev libsnappy-dev zlib1g-dev libsqlite3-dev libzookeeper-mt-dev libutf8proc-dev libfmt-dev
  libspdlog-dev libcli11-dev dpkg-dev file"
packages_to_check="clang-tidy-19 clang-format-19 libgtest-dev libmimalloc-dev python3 python3-venv kcat procps strace etcd-server
  zookeeper default-jre-headless iproute2 e2fsprogs"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Boost 1.81 or later. Debian's default, 1.74, is too old, and the packages exclude each other.
boost_package() {
  local package
  for package in libboost1.81-dev libboost1.83-dev; do
    if is_installed "$package"; then echo "$package"; return; fi
  done
  . /etc/os-release
  case "$ID:$VERSION_ID" in
    ubuntu:24.04) echo libboost1.83-dev ;;
    *) echo libboost1.81-dev ;;
  esac
}

# install_packages NAME...
install_packages() {
  command -v dpkg-query >/dev/null || die "This script sets up Debian 12 and Ubuntu 24.04. Elsewhere, see README.md."
  local package boost missing=""
  boost=$(boost_package)
  for package in "$@" "$boost"; do
    is_installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0

  if is_installed libboost1.74-dev && ! is_installed "$boost"; then
    die "libboost1.74-dev is installed and excludes $boost, which mq needs.
Nothing was changed. To go on, remove it yourself, with what depends on it:
  apt-get remove libboost1.74-dev && apt-get install $boost"
  fi
  local as_root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "Missing packages:$missing
This needs root, or sudo. Nothing was changed. As root:
  apt-get update && apt-get install$missing"
    as_root=sudo
  fi
  say "Installing$missing"
  mkdir -p build
  # --no-remove: a set-up script may add to a machine, never take from it. A source of packages that does not answer does not
  # matter as long as the others have what is missing. A machine that just started may hold apt's lock for a while.
  $as_root env DEBIAN_FRONTEND=noninteractive sh -c "
    apt-get update -qq
    apt-get install -qq -y --no-remove --no-install-recommends -o DPkg::Lock::Timeout=300 $missing" \
    </dev/null >build/packages.log 2>&1 || {
    tail -n 15 build/packages.log >&2
    die "
apt-get could not install:$missing
Nothing was removed. 'apt-get install --no-remove$missing' shows why."
  }
}
