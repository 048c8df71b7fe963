#!/bin/sh
# Makes stand-ins for the three images that come from a registry on a machine that has a Docker Engine but cannot reach a
# registry. They are made from Debian's packages and this machine's Rust toolchain, and they take
# the names of the images they stand in for, so that the Dockerfile and docker-compose.yml work
# unchanged. A label tells them from the real ones.
#
#     sudo sh tools/docker/stand-ins.sh rust:1.89-slim-bookworm redis:8-alpine haproxy:3.2-alpine
#
# Needs root, debootstrap, and Rust as rustup installs it.
# To be rid of them: docker rmi rust:... redis:... haproxy:...
set -eu

rust_image=$1
redis_image=$2
haproxy_image=$3
# Another number when this script makes something else: images with an older one are made again.
label="LABEL seen-n-times.stand-in=3"

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT

# One small Debian serves for all.
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
packages=ca-certificates,gcc,libc6-dev,redis-server,haproxy,busybox
debootstrap --variant=minbase --include="$packages" "$suite" "$root"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/lib/dpkg/info
# Some engines look at each file of an image for each line of a Dockerfile. Nobody reads these, which are half of them.
(cd "$root/usr/share" && rm -rf bash-completion doc info locale man perl5 zoneinfo)

# Redis: like the real image it keeps its data in /data and listens to other containers.
install -d -o "$(awk -F: '$1 == "redis" { print $3 }' "$root/etc/passwd")" "$root/data"
cat > "$root/usr/local/bin/docker-entrypoint.sh" <<'SCRIPT'
#!/bin/sh
exec "$@" --protected-mode no
SCRIPT
chmod 755 "$root" "$root/usr/local/bin/docker-entrypoint.sh"
tar -C "$root" -c . | docker import \
    --change "$label" \
    --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
    --change 'CMD ["redis-server"]' \
    --change 'EXPOSE 6379' \
    --change 'WORKDIR /data' \
    --change 'VOLUME /data' \
    - "$redis_image"

# HAProxy: like the real image it does not run as root. Alpine's wget is busybox's, so this one is, too.
ln -s ../../bin/busybox "$root/usr/local/bin/wget"
tar -C "$root" -c . | docker import \
    --change "$label" \
    --change 'CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]' \
    --change 'USER haproxy' \
    --change 'WORKDIR /var/lib/haproxy' \
    - "$haproxy_image"

# Rust: this machine's compiler, cargo and rustup, and the certificates with which they trust their
# servers. The target that the Dockerfile adds is there already, so that a build does not fetch it.
sysroot=$(rustc --print sysroot)
toolchain=$(basename "$sysroot")
export RUSTUP_HOME="$root/usr/local/rustup"
mkdir -p "$RUSTUP_HOME/toolchains/$toolchain" "$root/usr/local/cargo/bin"
cp -a "$sysroot/bin" "$sysroot/lib" "$RUSTUP_HOME/toolchains/$toolchain/"
rm -rf "$RUSTUP_HOME/toolchains/$toolchain/lib/rustlib"/wasm32-*
printf 'version = "12"\ndefault_toolchain = "%s"\n' "$toolchain" > "$RUSTUP_HOME/settings.toml"
rustup target add --toolchain "$toolchain" "$(uname -m)-unknown-linux-musl"
cp -L "$(command -v rustup)" "$root/usr/local/cargo/bin/rustup"
for name in cargo rustc; do ln "$root/usr/local/cargo/bin/rustup" "$root/usr/local/cargo/bin/$name"; done
bundle=etc/ssl/certs/ca-certificates.crt
cp -L "${SSL_CERT_FILE:-/$bundle}" "$root/$bundle"
tar -C "$root" -c . | docker import \
    --change "$label" \
    --change 'ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo' \
    --change 'ENV PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    - "$rust_image"
