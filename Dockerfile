# The service, for compose.yaml or by itself. What is installed is requirements.lock, by hash; the tools of development stand in
# it too (one lock for both), so they are in the image and nothing runs them.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/callcenter
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY acd/ acd/
COPY agents/ agents/
COPY alembic/ alembic/
COPY callcenter/ callcenter/
COPY config/ config/
COPY metrics/ metrics/
RUN pip install --no-deps --no-build-isolation . \
    && useradd --system --uid 10001 --home-dir /var/lib/callcenter --shell /usr/sbin/nologin callcenter \
    && install -d -o callcenter -g callcenter -m 0700 /var/lib/callcenter

USER callcenter
WORKDIR /var/lib/callcenter
VOLUME /var/lib/callcenter
EXPOSE 8345
ENTRYPOINT ["callcenter"]
CMD ["serve"]
