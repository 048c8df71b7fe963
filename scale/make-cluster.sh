#!/bin/sh
# Makes the nodes at these addresses one cluster: the first half masters, the others their replicas.
# Where they are a cluster already, it only waits until they have found each other.
set -eu

# How often a second passes until it gives up.
attempts=60

# A line of what a node knows of its cluster.
field() { redis-cli -e -h "$1" cluster info | tr -d '\r' | sed -n "s/^$2://p"; }

is_whole() {
    nodes=$#
    for node; do
        test "$(field "$node" cluster_state) $(field "$node" cluster_known_nodes)" = "ok $nodes" || return 1
    done
}

new=0
addresses=
for node; do
    test "$(field "$node" cluster_known_nodes)" != 1 || new=$((new + 1))
    addresses="$addresses $node:6379"
done

if test "$new" = $#; then
    # Of an attempt that was interrupted, something may be left. A node that has a key refuses this.
    for node; do redis-cli -e -h "$node" cluster reset; done
    # shellcheck disable=SC2086 # one word for each
    redis-cli --cluster create $addresses --cluster-replicas 1 --cluster-yes
elif test "$new" != 0; then
    echo "$new of $# nodes belong to no cluster. To begin anew, without the count: docker-compose --profile scale down -v" >&2
    exit 1
fi

until is_whole "$@"; do
    attempts=$((attempts - 1))
    if test "$attempts" = 0; then
        echo "the nodes do not find each other. What they say: docker-compose --profile scale logs" >&2
        exit 1
    fi
    sleep 1
done
echo "a cluster of $# nodes"
