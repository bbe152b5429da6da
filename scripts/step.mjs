// Names what a script is doing while it does it: one line per step, with its time; a moving line on a terminal.

let output = process.stdout;
const QUIET_REPORT_MS = 10_000;

/** Sends what steps say to standard error, where standard output is for data. */
export function reportOnStandardError() {
  output = process.stderr;
}

/** Says one line beside the steps. */
export function say(text) {
  output.write(`${text}\n`);
}

/** A step failed and said what there is to say: the script ends with this message alone. */
export class StepFailure extends Error {
  name = 'StepFailure';
}

/**
 * Runs `work`, which may call its argument with a word on how far it is. Resolves to what `work` returns.
 * `work` may return `{ note }` to have it shown beside the time.
 */
export async function step(title, work) {
  const terminal = output.isTTY === true;
  const start = performance.now();
  let detail = '';
  const elapsed = () => seconds(performance.now() - start);
  const paint = () => output.write(`\r\x1b[K… ${clip(`${title}${detail && `: ${detail}`} (${elapsed()})`)}`);
  const pulse = terminal
    ? setInterval(paint, 100)
    : setInterval(() => say(`    ${detail || 'still at it'} (${elapsed()})`), QUIET_REPORT_MS);
  if (terminal) paint();
  else say(`… ${title}`);
  try {
    const result = await work((text) => {
      detail = text;
    });
    finish('✓', result?.note);
    return result;
  } catch (error) {
    finish('✗');
    throw error;
  }

  function finish(mark, note) {
    clearInterval(pulse);
    say(`${terminal ? '\r\x1b[K' : ''}${mark} ${title}${note ? `: ${note}` : ''} (${elapsed()})`);
  }
}

export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

function clip(text) {
  return text.slice(0, Math.max(20, (output.columns || 80) - 3));
}

/** Ends the process as a failed step asks: an expected failure by its message, anything else by its stack. */
export function fail(error) {
  console.error(error instanceof StepFailure ? `\n${error.message}` : error);
  process.exit(1);
}
