import { execFile } from 'node:child_process';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

/** Debian's headless shell first: it starts fastest. */
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Generous: the first start on a busy machine reads 300 MB from disk. */
const ANSWER_TIMEOUT_MS = 30_000;

export interface Chromium {
  /** Absolute path of the program. */
  readonly path: string;
  /** For example `156.0.8078.108`. */
  readonly version: string;
}

/**
 * The Chromium (or Chrome) of this machine: the one that `CHROMIUM` names, or else the first on a search path. `null` where there is
 * none that says its version.
 * @param searchPath a list of folders as in `PATH`, which it is by default
 */
export async function findChromium(
  searchPath = process.env.PATH ?? '',
  named = process.env.CHROMIUM,
): Promise<Chromium | null> {
  const folders = searchPath.split(delimiter).filter((folder) => folder !== '');
  const candidates = named
    ? [named]
    : NAMES.flatMap((name) => (isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))));
  for (const path of candidates) {
    const version = await versionOf(path);
    if (version) return { path, version };
  }
  return null;
}

/** `null` where the file is no program or no such browser. */
async function versionOf(path: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version', '--no-sandbox'], { timeout: ANSWER_TIMEOUT_MS });
    return /\b(\d+\.\d+\.\d+\.\d+)\b/.exec(stdout)?.[1] ?? null;
  } catch {
    // Absent, not executable, or not answering (as the snap stand-ins of Ubuntu): another may be usable.
    return null;
  }
}
