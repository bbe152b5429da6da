import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StepFailure } from './step.mjs';

/** The repository's root, without a slash at its end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/**
 * Runs a program in the repository's root and resolves to its exit code and output.
 * @param onLine is given every line as it comes
 */
export function run(command, args, { env = {}, onLine = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        const lines = (rest + text).split(/\r?\n/);
        rest = lines.pop();
        for (const line of lines) onLine(line);
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: signal ? 1 : code, output }));
  });
}

/** The same; a failure throws, with the end of what was said. */
export async function runOrFail(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) {
    const tail = output.trimEnd().split('\n').slice(-60).join('\n');
    throw new StepFailure(`${tail}\n\n${[command, ...args].join(' ')} failed with code ${code}`);
  }
  return output;
}

/**
 * Starts a program on this terminal; it gets every signal that this process gets. `ended` resolves to its exit code, 1 where a
 * signal ended it.
 */
export function startInForeground(command, args) {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ? 1 : code));
  });
  return { ended, kill: (signal) => child.kill(signal) };
}
