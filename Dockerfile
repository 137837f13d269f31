# syntax=docker/dockerfile:1
# One image for every topology: `cleave` (all domains, or the gateway to them) and a binary for each domain alone.
# Without settings it serves everything from SQLite files in /var/lib/cleave:
#
#   docker build --tag cleave .
#   docker run --rm --publish 127.0.0.1:8000:8000 --volume cleave:/var/lib/cleave cleave

FROM rust:1.95.0-trixie AS build
WORKDIR /src
COPY . .
# Crates from the registry and what was compiled of them stay in caches between builds. The sources are touched
# because cargo compares times: an older checkout must not be taken for what the cache was built from.
RUN --mount=type=cache,id=cleave-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=cleave-target,target=/src/target,sharing=locked \
    find app domains migrations shared -type f -exec touch {} + \
    && cargo build --release --locked --package app --package user --package task --package notification \
    && install -D --target-directory=/image/bin \
        target/release/cleave \
        target/release/cleave-user \
        target/release/cleave-task \
        target/release/cleave-notification \
    && mkdir --parents /image/data /image/settings

FROM debian:trixie-slim
# For outgoing TLS; copied instead of installed, so that this stage runs nothing and needs no package list.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /image/bin/ /usr/local/bin/
# Database files, locks and secrets of an embedded system. A named volume takes over owner and mode.
COPY --from=build --chown=65532:65532 --chmod=0700 /image/data /var/lib/cleave
# `cleave.toml`, if there is one, is read from here; the process cannot write it.
COPY --from=build /image/settings /etc/cleave
WORKDIR /etc/cleave
ENV CLEAVE_HOST=0.0.0.0 \
    CLEAVE_DATA_DIR=/var/lib/cleave
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8000 8001 8002 8003
# No HEALTHCHECK here: each binary has a port of its own. docker-compose.yml and k8s/ ask /health/ready.
CMD ["cleave"]
