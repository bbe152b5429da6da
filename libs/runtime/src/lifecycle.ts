type Release = () => unknown;

/** Some of what a process held could not be released; `errors` says what. */
export class ReleaseError extends AggregateError {
  readonly code = 'RELEASE_FAILED';
  override readonly name = 'ReleaseError';
}

/**
 * What a process holds, released in reverse order of being taken, each once, even where one release fails or hangs.
 */
export class Lifecycle {
  readonly #releases: { readonly name: string; readonly release: Release }[] = [];
  #stopping: Promise<void> | undefined;

  /** Remembers how to release something that was taken. */
  onStop(name: string, release: Release): void {
    this.#releases.push({ name, release });
  }

  /**
   * Releases everything. Repeated calls return the first one's promise.
   * @param deadlineMs after which a release is given up and the next one begun, in milliseconds for all together
   * @throws ReleaseError after everything was tried
   */
  stop(deadlineMs = 8_000): Promise<void> {
    this.#stopping ??= this.#releaseAll(performance.now() + deadlineMs);
    return this.#stopping;
  }

  async #releaseAll(deadline: number): Promise<void> {
    const errors: unknown[] = [];
    for (const { name, release } of this.#releases.reverse()) {
      try {
        await withDeadline(name, release, Math.max(50, deadline - performance.now()));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new ReleaseError(errors, 'some resources were not released');
  }
}

async function withDeadline(name: string, release: Release, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} was not released within ${Math.round(ms)} ms`)), ms);
  });
  try {
    await Promise.race([Promise.resolve().then(release), late]);
  } catch (cause) {
    throw new Error(`releasing ${name} failed`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
