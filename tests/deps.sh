#!/bin/sh
# Install what some tests use beside Python, if this machine allows it; safe to run again. The tests say what they miss.
command -v bwrap >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get -qq update && apt-get -qq install -y bubblewrap; } >/dev/null 2>&1 || echo "bubblewrap could not be installed; its tests say so"
else
    echo "bubblewrap is missing; install it to test the strongest sandbox level"
fi
exit 0
