export default async function globalTeardown() {
  await globalThis.rejoinTestRedis?.stop();
}
