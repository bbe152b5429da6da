# syntax=docker/dockerfile:1
# One image for every process; which one it is, the command says: dist/gateway.js (the default), dist/worker.js,
# dist/ops.js or dist/demo.js.
ARG NODE_IMAGE=node:20.19.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
ENV CI=true
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci --include=dev
# What `npm start` builds, and of it what the programs need when they run.
RUN npm run build && node scripts/assemble.mjs /app

FROM ${NODE_IMAGE}
# Nothing installs anything at run time.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
ENV NODE_ENV=production \
    NODE_OPTIONS=--enable-source-maps
WORKDIR /app
# Owned by root: a process that runs as node cannot change its own program.
COPY --from=build /app ./
COPY LICENSE deploy/container/healthy.mjs ./
USER 1000:1000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["node", "healthy.mjs"]
ENTRYPOINT ["node"]
CMD ["dist/gateway.js"]
