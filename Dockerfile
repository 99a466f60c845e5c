# One image, four commands: see docker-compose.yml.
FROM node:20-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /governor
COPY . .
RUN make build PYTHON=/usr/bin/python3 && rm -rf node_modules

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/governor governor
COPY --from=build /governor /governor
WORKDIR /governor
USER governor
ENV GOV_DATA_DIR=/var/lib/governor GOV_HTTP_ADDR=0.0.0.0:8000 GOV_HTTPS_ADDR=0.0.0.0:8444 GOV_GRPC_ADDR=0.0.0.0:8443
EXPOSE 8000 8443 8444
ENTRYPOINT [".venv/bin/python", "manage.py"]
CMD ["serve"]
