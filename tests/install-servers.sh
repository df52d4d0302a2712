#!/bin/sh
# Install the database servers and the browser that the tests start, where this can be done without asking: as root, on Debian.
set -eu

# Stand-ins for MongoDB and RethinkDB, which Debian has not: kept in a folder of the user, so that it is done once.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/apscheduler-tests"

install_ferretdb() {
    work="$(mktemp -d)"
    # Built from its own source, because the program wants a file that names its version and that no module brings.
    source="$(cd "$work" && go mod download -json github.com/FerretDB/FerretDB@v1.24.2 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')"
    cp -r "$source" "$work/source" && chmod -R u+w "$work/source"
    echo v1.24.2 >"$work/source/build/version/version.txt"
    mkdir -p "$cache/bin"
    (cd "$work/source" && go build -mod=mod -o "$cache/bin/ferretdb" ./cmd/ferretdb)
    rm -rf "$work"
}

if ! command -v mongod >/dev/null && ! command -v ferretdb >/dev/null && [ ! -x "$cache/bin/ferretdb" ]; then
    if command -v go >/dev/null; then install_ferretdb; else echo "not installed, because there is no go: ferretdb"; fi
fi
if ! command -v rethinkdb >/dev/null && ! command -v reqlite >/dev/null && [ ! -e "$cache/reqlite/node_modules/.bin/reqlite" ]; then
    if command -v npm >/dev/null; then
        npm install --silent --no-fund --no-audit --prefix "$cache/reqlite" reqlite
    else
        echo "not installed, because there is no npm: reqlite"
    fi
fi

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
