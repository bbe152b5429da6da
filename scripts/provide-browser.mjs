import { installFirst } from './package-manager.mjs';
import { say } from './step.mjs';

/**
 * Finds the Chromium that tests of the web pages drive, or installs the distribution's package: root at once, anybody else after
 * being asked. Nothing but the tests needs it.
 * @throws StepFailure with the one command to run, where it may not or cannot
 */
export async function provideBrowser({ install }) {
  // The file itself: the library's index would load all that tests ever need.
  const { findChromium } = await import('../libs/testing/dist/chromium.js');
  if (await findChromium()) return;
  say('No Chromium is on PATH; the tests of the web pages need one.');
  await installFirst({
    install,
    // Debian's headless shell is the same browser without the libraries of a desktop.
    packages: {
      'apt-get': ['chromium-headless-shell', 'chromium'],
      dnf: ['chromium-headless', 'chromium'],
      apk: ['chromium'],
    },
    find: () => findChromium(),
    describe: (chromium) => chromium.version,
    requirement: 'a Chromium that starts',
    elsewhere:
      'or set CHROMIUM to the path of a Chromium or Chrome: https://www.chromium.org/getting-involved/download-chromium',
  });
}
