# The server alone, for use with the Postgres of docker-compose.yml. With an empty DATABASE_URL it runs its private one.
FROM rust:1-bookworm AS build
WORKDIR /src
ENV SQLX_OFFLINE=true
COPY Cargo.toml Cargo.lock build.rs ./
COPY .sqlx .sqlx
COPY migrations migrations
COPY templates templates
COPY static static
COPY src src
# The manifest names tests and benchmarks, which are not built here.
RUN mkdir -p tests/it benches/load && touch tests/it/main.rs benches/load/main.rs && cargo build --release --locked && cp target/release/bugle /bugle

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tini postgresql \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql \
    && useradd --system --uid 10001 --home-dir /var/lib/bugle --create-home --shell /usr/sbin/nologin bugle
COPY --from=build /bugle /usr/local/bin/bugle
USER bugle
ENV BUGLE_BIND=0.0.0.0:9000 BUGLE_DATA_DIR=/var/lib/bugle BUGLE_LOG_FORMAT=json
VOLUME /var/lib/bugle
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9000 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ok <&3"]
# tini reaps what a killed Postgres leaves behind.
ENTRYPOINT ["/usr/bin/tini", "--", "bugle"]
CMD ["serve"]
