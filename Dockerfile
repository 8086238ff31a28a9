# The service as an image: git, kustomize and the package, run by a user without rights on a root that may be read-only.
# A digest may follow each tag (`…:3.13-slim-bookworm@sha256:…`), to build from the same bytes every time.
ARG PYTHON=python:3.13-slim-bookworm
ARG KUSTOMIZE=registry.k8s.io/kustomize/kustomize:v5.6.0

FROM ${KUSTOMIZE} AS kustomize

FROM ${PYTHON} AS build
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/updater \
    && /opt/updater/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/runtime.txt \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/build.txt
COPY LICENSE README.md pyproject.toml ./
COPY base base
COPY environments environments
COPY overlays overlays
COPY updater updater
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/updater/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM ${PYTHON}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --create-home updater \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/updater
COPY --from=kustomize /app/kustomize /usr/local/bin/kustomize
COPY --from=build /opt/updater /opt/updater
# What is written to, where the root is read-only: these three, each a mount then.
ENV HOME=/home/updater TMPDIR=/tmp UPDATER_STATE_DIR=/var/lib/updater
ENV PATH=/opt/updater/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 UPDATER_LISTEN=0.0.0.0:8080
USER 10001:10001
WORKDIR /home/updater
EXPOSE 8080
# By hand and not with urllib, which would ask the proxy of the environment.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m CMD ["python", "-c", "\
import http.client, os;\
asked = http.client.HTTPConnection('127.0.0.1', int(os.environ['UPDATER_LISTEN'].rpartition(':')[2]), timeout=4);\
asked.request('GET', '/healthz');\
raise SystemExit(asked.getresponse().status != 200)"]
ENTRYPOINT ["tini", "--", "updater"]
CMD ["serve"]
