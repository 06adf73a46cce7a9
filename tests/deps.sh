#!/bin/sh
# Install what some tests use beside Python, if this machine allows it; safe to run again. The tests say what they miss.
missing=""
command -v bwrap >/dev/null || missing="bubblewrap"
command -v chromium >/dev/null || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get -qq update >/dev/null 2>&1
    for package in $missing; do
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$package" >/dev/null 2>&1 || echo "$package could not be installed; its tests say so"
    done
else
    echo "missing: $(echo $missing); install it: the tests of the strongest sandbox level and of the panel in a browser need it"
fi
exit 0
