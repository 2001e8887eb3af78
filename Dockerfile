# imagebot in a container: `docker run -v DATA:/var/lib/imagebot -v SETTINGS:/etc/imagebot:ro imagebot`
FROM python:3.13-slim AS build
# With the clouds' libraries, for native logins to their registries: 44 MB, which --build-arg LOCK=requirements.lock saves.
ARG LOCK=requirements-clouds.lock
WORKDIR /src
RUN python -m venv /opt/imagebot
COPY requirements.lock requirements-clouds.lock ./
RUN /opt/imagebot/bin/pip install --no-cache-dir --require-hashes -r "$LOCK"
COPY pyproject.toml README.md ./
COPY imagebot imagebot
RUN /opt/imagebot/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/imagebot/bin/pip uninstall --yes flit_core pip

FROM python:3.13-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git gnupg openssh-client tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /var/lib/imagebot --create-home imagebot
COPY --from=build /opt/imagebot /opt/imagebot
ENV PATH=/opt/imagebot/bin:$PATH IMAGEBOT_SETTINGS=/etc/imagebot/imagebot.yaml
USER 10001
WORKDIR /var/lib/imagebot
VOLUME /var/lib/imagebot
ENTRYPOINT ["imagebot"]
CMD ["once"]
