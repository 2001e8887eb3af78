# imagebot in a container: `docker run -v DATA:/var/lib/imagebot -v SETTINGS:/etc/imagebot:ro imagebot`
# Another base, a Debian with Python 3.11 to 3.14, comes with --build-arg BASE=IMAGE.
ARG BASE=python:3.13-slim
# The same as a line that tools read which look for images in Dockerfiles; nothing is built of it.
FROM python:3.13-slim AS default

# hadolint ignore=DL3006
FROM ${BASE} AS build
# With the clouds' libraries, for native logins to their registries: 44 MB, which --build-arg LOCK=requirements.lock saves.
ARG LOCK=requirements-clouds.lock
WORKDIR /src
RUN python -m venv /opt/imagebot
COPY requirements.lock requirements-clouds.lock ./
RUN /opt/imagebot/bin/pip install --no-cache-dir --require-hashes -r "$LOCK"
COPY pyproject.toml README.md ./
COPY imagebot imagebot
# Everything is compiled here, as nothing can be written where it runs.
RUN /opt/imagebot/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/imagebot/bin/pip uninstall --yes flit_core pip \
    && /opt/imagebot/bin/python -m compileall -q /opt/imagebot/lib

# hadolint ignore=DL3006
FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imagebot" \
      org.opencontainers.image.description="Proposes newer container images to Git config repositories, as merge requests that change no other byte" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# Their versions are those of the base's Debian, which has the security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git gnupg openssh-client tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd --gid 10001 imagebot \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/imagebot --create-home imagebot
COPY --from=build /opt/imagebot /opt/imagebot
ENV PATH=/opt/imagebot/bin:$PATH \
    IMAGEBOT_SETTINGS=/etc/imagebot/imagebot.yaml \
    IMAGEBOT_PROBE=http://127.0.0.1:8080/healthz
USER 10001:10001
WORKDIR /var/lib/imagebot
VOLUME /var/lib/imagebot
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "imagebot.probe"]
ENTRYPOINT ["imagebot"]
CMD ["run"]
