#!/bin/sh
# Install the database servers and the browser that the tests start, where this can be done without asking: as root, on Debian.
set -eu

# Stand-ins for RethinkDB and MongoDB, which Debian has not: kept in a folder of the user, so that it is done once.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/apscheduler-tests"

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
command -v openssl >/dev/null || missing="$missing openssl"
mongodb="$cache/mongo-java-server-1.47.0"
if ! command -v mongod >/dev/null && [ ! -d "$mongodb" ]; then
    command -v mvn >/dev/null || missing="$missing maven"
fi
command -v mongod >/dev/null || command -v java >/dev/null || missing="$missing default-jre-headless"

if [ -z "$missing" ]; then
    :
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "not installed, so their tests are skipped:$missing"
fi

if ! command -v mongod >/dev/null && [ ! -d "$mongodb" ]; then
    if command -v mvn >/dev/null; then
        mkdir -p "$cache"
        new="$(mktemp -d "$cache/new.XXXXXX")"
        mvn -q -B -f "$(dirname "$0")/mongodb_server/pom.xml" dependency:copy-dependencies -DoutputDirectory="$new"
        mv "$new" "$mongodb"
    else
        echo "not installed, because there is no mvn: mongo-java-server"
    fi
fi
