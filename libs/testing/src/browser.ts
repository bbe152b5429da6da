import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { findChromium } from './chromium.ts';

export type { Browser, BrowserContext, Page } from 'playwright-core';

/** How long the browser may take to start, and any of its pages for one step: for a loaded machine of two cores. */
const PATIENCE_MS = 30_000;

/** Where {@link screenshot} writes: never into the repository. */
const SCREENSHOTS = process.env.SCREENSHOTS ?? join(tmpdir(), 'rejoin-screenshots');

/** A finding of axe-core that keeps somebody from using the page. */
export interface AccessibilityFinding {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  /** The elements, as selectors with their HTML. */
  readonly where: readonly string[];
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact?: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly html: string }[];
  }[];
}

/**
 * Starts this machine's Chromium, headless. It ends with this process however that ends, because it is driven over a pipe; close it
 * in `afterAll`. One browser serves a test file: `browser.newContext()` is another user's browser with its own storage,
 * `context.newPage()` another tab of it.
 * @throws Error where there is none; `npm test` installs it
 */
export async function launchBrowser(): Promise<Browser> {
  const program = await findChromium();
  if (!program) throw new Error('No Chromium on PATH: `npm test` installs it, or set CHROMIUM to its path');
  // Loaded here, because it is large and most test files want no browser.
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: program.path,
    headless: true,
    // Chromium's sandbox refuses to run as root, and needs privileges that containers do not give. It sees our own pages only.
    chromiumSandbox: false,
    timeout: PATIENCE_MS,
    // Jest owns the signals; the browser ends when the pipe to it closes.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    args: ['--disable-gpu'],
  });
}

/**
 * Saves what the page shows as `<name>.png`, for a person to look at. Nothing compares it.
 * @returns its path, in the folder that `SCREENSHOTS` names or in a temporary one
 */
export async function screenshot(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<string> {
  await mkdir(SCREENSHOTS, { recursive: true });
  const path = join(SCREENSHOTS, `${name}.png`);
  await page.screenshot({ path, ...options });
  return path;
}

/** What axe-core finds in the page as it is now and rates serious or critical. An accessible page has none. */
export async function accessibilityFindings(page: Page): Promise<readonly AccessibilityFinding[]> {
  const { default: axe } = await import('axe-core');
  // Evaluated rather than added as a script element, which a content security policy would refuse.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, impact, help, nodes }) => ({
        rule: id,
        impact: String(impact),
        help,
        where: nodes.map(({ target, html }) => `${target.join(' ')}  ${html}`),
      }));
  });
}
