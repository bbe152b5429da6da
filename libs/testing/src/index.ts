export {
  type AccessibilityFinding,
  accessibilityFindings,
  type Browser,
  type BrowserContext,
  launchBrowser,
  type Page,
  screenshot,
} from './browser.ts';
export { ChildApp, type ChildAppOptions, type ChildExit, type LogLine } from './child-app.ts';
export { type Chromium, findChromium } from './chromium.ts';
export {
  type Delivery,
  EventRecorder,
  type RecordableSocket,
  type RecordedEvent,
  type RecordedReady,
} from './event-recorder.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { parseExposition, type Sample, seriesValue } from './exposition.ts';
export { FeedWriter, type WrittenEvent } from './feed-writer.ts';
export { SeededRandom } from './seeded-random.ts';
export { type Direction, TcpProxy } from './tcp-proxy.ts';
export { startTestRedis, testRedis, uniquePrefix } from './test-redis.ts';
export { TEST_JWT_SECRET, type TokenOptions, tokenFor } from './token.ts';
