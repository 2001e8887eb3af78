#!/bin/sh
# Installs the system programs that tests use, where that may be done without asking: as root, or with a sudo that does
# not ask. Elsewhere it says which tests will be left out; the tests themselves skip with the same sentence.
set -eu
missing=""
packages=""
postgres=""
for folder in /usr/lib/postgresql/*/bin; do # where Debian keeps the server
    postgres="$postgres:$folder"
done
need() { # PROGRAM PACKAGE WHAT-IS-LEFT-OUT
    PATH="$PATH:/usr/sbin:/sbin$postgres" command -v "$1" >/dev/null 2>&1 && return 0
    packages="$packages $2"
    missing="$missing
  $1 (package $2): $3"
}
need docker-registry docker-registry "tests against a real registry"
need skopeo skopeo "tests that ask a third party about registries"
need sshd openssh-server "tests of git over SSH"
need postgres postgresql "tests of the store on PostgreSQL"
need chromium chromium "tests of the status page in a browser"
if [ -f ../shared/tools/build_image.sh ]; then
    for program in buildah podman runc debootstrap catatonit; do
        need "$program" "$program" "the test that builds the image and runs it"
    done
fi
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root="none"
fi
if [ "$as_root" != none ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$packages ..."
    # Installed to be started by tests, not to run as services of this machine: no policy, no start.
    if { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages; } >/dev/null 2>&1; then
        exit 0
    fi
    echo "The installation failed."
fi
echo "Left out, because these programs are not here and may not be installed:$missing"
