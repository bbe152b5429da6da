import { describe, expect, it } from '@jest/globals';
import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import { isThere, PINNED_IMAGE, read } from './repository.ts';

const instructions = DockerfileParser.parse(read('Dockerfile')).getInstructions();
const named = (keyword: string): Instruction[] => instructions.filter((each) => each.getKeyword() === keyword);
const argumentsOf = (instruction: Instruction): string[] =>
  instruction.getArguments().map((argument) => argument.getValue());

/** Where the last stage begins: nothing before it is in the image. */
const lastStage = instructions.findLastIndex((each) => each.getKeyword() === 'FROM');
const inImage = instructions.slice(lastStage);

describe('the Dockerfile', () => {
  it('builds in stages, from one image whose version is exact', () => {
    const [image] = named('ARG').map((each) => /^NODE_IMAGE=(.+)$/.exec(argumentsOf(each)[0] ?? '')?.[1]);
    expect(image).toMatch(PINNED_IMAGE);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the file
    expect(named('FROM').map((each) => argumentsOf(each)[0])).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}']);
    const [, major, minor] = /node:(\d+)\.(\d+)/.exec(image ?? '') ?? [];
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const [, leastMajor, leastMinor] = />=(\d+)\.(\d+)/.exec(engines.node) ?? [];
    expect(Number(major) * 1_000 + Number(minor)).toBeGreaterThanOrEqual(
      Number(leastMajor) * 1_000 + Number(leastMinor),
    );
  });

  it('copies files that are there, and of the build what was assembled alone', () => {
    const copies = inImage.filter((each) => each.getKeyword() === 'COPY');
    const sources = copies.flatMap((each) => argumentsOf(each).slice(0, -1));
    expect(sources).toEqual(['/app', 'LICENSE', 'deploy/container/healthy.mjs']);
    expect(sources.filter((path) => !path.startsWith('/') && !isThere(path))).toEqual([]);
    const ignored = read('.dockerignore').split('\n');
    for (const line of ['**/node_modules', '**/dist', '.git', '.env*', '.data']) expect(ignored).toContain(line);
    expect(ignored).toContain('!deploy/container');
  });

  it('runs scripts of the repository that are there', () => {
    const scripts = named('RUN').flatMap((each) => [...each.getTextContent().matchAll(/node (\S+\.mjs)/g)]);
    expect(scripts.map(([, path]) => path)).toEqual(['scripts/assemble.mjs']);
    expect(scripts.filter(([, path]) => !isThere(path as string))).toEqual([]);
  });

  it('runs as somebody who is not root, without a shell around the process, and knows whether it is ready', () => {
    const last = (keyword: string): string =>
      inImage.findLast((each) => each.getKeyword() === keyword)?.getArgumentsContent() ?? '';
    expect(last('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(JSON.parse(last('ENTRYPOINT'))).toEqual(['node']);
    expect(JSON.parse(last('CMD'))).toEqual(['dist/gateway.js']);
    expect(last('HEALTHCHECK')).toContain('CMD ["node", "healthy.mjs"]');
    expect(last('STOPSIGNAL')).toBe('SIGTERM');
  });
});
