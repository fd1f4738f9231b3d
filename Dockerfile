# The service's own image: one binary, which carries the agent in it.
#
#   RUST_IMAGE     builds it
#   DEBIAN_IMAGE   runs it; its C library must not be older than the builder's
#   FEATURES       it is built with: otlp for traces; none by default
#   BINARY         an image that holds /build/cellblock already (scripts/build-service-image); the default is to build it
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim
ARG BINARY=builder

FROM ${RUST_IMAGE} AS builder
ARG FEATURES=
WORKDIR /source
COPY . .
RUN cargo build --release --locked --features "$FEATURES" \
 && install -D target/release/cellblock /build/cellblock

FROM ${BINARY} AS binary

FROM ${DEBIAN_IMAGE} AS runtime

RUN groupadd --gid 10001 cellblock \
 && useradd --uid 10001 --gid cellblock --no-create-home --home-dir /var/lib/cellblock --shell /usr/sbin/nologin cellblock \
 && install --directory --owner cellblock --group cellblock --mode 700 /var/lib/cellblock

COPY --from=binary /build/cellblock /usr/local/bin/cellblock

ENV CELLBLOCK_LISTEN=0.0.0.0:8080 \
    CELLBLOCK_STATE_DIR=/var/lib/cellblock
VOLUME /var/lib/cellblock
EXPOSE 8080

# Not root. The engine's socket belongs to a group, which the container has to be given: `--group-add`, or DOCKER_GID in
# compose.yaml.
USER cellblock

HEALTHCHECK --interval=5s --timeout=60s --start-period=5s --retries=3 CMD ["cellblock", "health"]

ENTRYPOINT ["cellblock"]
CMD ["serve"]
