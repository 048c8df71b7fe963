# One Dockerfile for every step in Rust. It builds the step that STEP names into one static program,
# and a health check into another, and puts the two, and nothing else, into an image: no shell, no
# package manager, no libc.
#
# You seldom call it yourself: `docker-compose up` does.

# The version is the rust-version of Cargo.toml.
# ANCHOR: image
ARG RUST_IMAGE=rust:1.89-slim-bookworm
# ANCHOR_END: image

# --- 1. The sources, and an outline of them ---------------------------------------------------
# The outline has every manifest, and in place of each crate a program that does nothing. That is all
# that cargo needs to build the dependencies, and it stays the same when you edit a step.
# ANCHOR: sources
FROM ${RUST_IMAGE} AS sources
COPY . /src
WORKDIR /src/steps
ARG STEP
RUN if ! test -f "$STEP/Cargo.toml"; then \
      echo "STEP is '$STEP', but must be one of these:" $(ls -d */Cargo.toml | cut -d/ -f1) >&2; \
      test ! -f "$STEP/Dockerfile" || echo "(try: docker-compose up in steps/$STEP)" >&2; \
      exit 1; \
    fi \
    && cp -r /src /outline && cd /outline \
    && find . -type f ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -name 'Cargo.*' -delete \
    && echo '#![allow(warnings)] fn main() {}' > /stub.rs \
    && find . -name '*.rs' -exec cp /stub.rs {} \;
# ANCHOR_END: sources

# --- 2. The program ---------------------------------------------------------------------------
# ANCHOR: static
FROM ${RUST_IMAGE} AS build
WORKDIR /build
# A static program carries its own libc. That needs a target that is spelled out, even if it is
# this very machine's: only then do the flags leave alone what runs during the build. The linker
# writes down where the program has addresses of its own, to be adjusted at its start: packed, that
# is 90 kB less.
ENV RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs"
RUN rustc -vV | sed -n 's/^host: //p' > /target
# ANCHOR_END: static
ARG STEP

# ANCHOR: dependencies
# The dependencies have a layer of their own. Docker compares what COPY brings with what it brought
# the last time, and where that is the same it takes the layer from its cache.
COPY --from=sources /outline .
RUN cargo build --locked --profile dist --target "$(cat /target)" --package "$STEP"
# ANCHOR_END: dependencies

# ANCHOR: program
# Now the sources of the step, as you read them. cargo goes by the time of the last change, and the
# outline is younger than the sources: touch them.
COPY --from=sources /src/steps/${STEP} steps/${STEP}
RUN find "steps/$STEP" -name '*.rs' -exec touch {} + \
    && cargo build --frozen --profile dist --target "$(cat /target)" --package "$STEP" \
    && cp "target/$(cat /target)/dist/$STEP" /web
# ANCHOR_END: program

# --- 3. The health check ----------------------------------------------------------------------
# ANCHOR: healthcheck
FROM ${RUST_IMAGE} AS healthcheck
WORKDIR /build
# A program of its own has a libc of its own. Of glibc, which serves the step, that is 1.1 MB even
# for a program this small; of musl it is 0.4 MB.
RUN echo "$(uname -m)-unknown-linux-musl" > /target && rustup target add "$(cat /target)"
COPY --from=sources /outline .
COPY tools/healthcheck tools/healthcheck
RUN cargo build --locked --profile small --target "$(cat /target)" --package healthcheck \
    && cp "target/$(cat /target)/small/healthcheck" /healthcheck
# ANCHOR_END: healthcheck

# --- 4. The image -----------------------------------------------------------------------------
# ANCHOR: final
FROM scratch
ARG STEP
LABEL org.opencontainers.image.title="Seen N Times: ${STEP}" \
      org.opencontainers.image.description="A page that counts its visits" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# All addresses. From outside the container, 127.0.0.1 would be out of reach.
ENV ADDR=0.0.0.0:5000
EXPOSE 5000
# A number instead of a name: there is no list of users here. This one owns nothing.
USER 65532:65532
HEALTHCHECK --interval=2s --timeout=3s --retries=3 CMD ["/healthcheck", "127.0.0.1:5000"]
ENTRYPOINT ["/web"]
COPY --from=healthcheck /healthcheck /healthcheck
COPY --from=build /web /web
# ANCHOR_END: final
