#!/bin/sh
# Install the database servers and the browser that the tests start, where this can be done without asking: as root, on Debian.
set -eu

missing=""
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing="$missing postgresql"
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server"
command -v redis-server >/dev/null || missing="$missing redis-server"
# What the core of Qt is linked with; its wheels bring the rest.
ldconfig -p | grep -q libgthread-2.0.so.0 || missing="$missing libglib2.0-0"
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
command -v chromedriver >/dev/null || missing="$missing chromium-driver"
[ -f /usr/share/java/zookeeper.jar ] || missing="$missing zookeeper"
command -v etcd >/dev/null || missing="$missing etcd-server"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "not installed, so their tests are skipped:$missing"
fi
