# The updater as an image: git, kustomize and the package, run by a user without rights.
# A digest may follow each tag (`…:3.13-slim-bookworm@sha256:…`), to build from the same bytes every time.
ARG PYTHON=python:3.13-slim-bookworm
ARG KUSTOMIZE=registry.k8s.io/kustomize/kustomize:v5.6.0

FROM ${KUSTOMIZE} AS kustomize

FROM ${PYTHON} AS build
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/updater \
    && /opt/updater/bin/pip install --no-cache-dir --require-hashes --requirement requirements/runtime.txt \
    && pip install --no-cache-dir --require-hashes --requirement requirements/build.txt
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
    && useradd --uid 10001 --create-home updater
COPY --from=kustomize /app/kustomize /usr/local/bin/kustomize
COPY --from=build /opt/updater /opt/updater
ENV PATH=/opt/updater/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/updater
ENTRYPOINT ["tini", "--", "updater"]
