// Ends with 0 where the process of this container is ready, for HEALTHCHECK: the image has neither curl nor wget.
const port = process.env.HEALTH_PORT ?? process.env.PORT ?? '3000';
const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(2_500) });
if (!response.ok) {
  console.error(await response.text());
  process.exit(1);
}
