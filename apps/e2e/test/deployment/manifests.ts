import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { filesBelow, pathOf, readYaml } from './repository.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

const FOLDER = 'deploy/kubernetes';
/** What is not a part of Kubernetes itself. */
const OTHERS = /^(kustomize\.config\.k8s\.io|keda\.sh)\//;

/** Every object of the manifests, those of Kustomize aside. */
export function readManifests(): Manifest[] {
  return filesBelow(FOLDER)
    .filter((path) => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
    .flatMap((path) => readYaml(path) as Manifest[]);
}

export function isOfKubernetes({ apiVersion }: Manifest): boolean {
  return !OTHERS.test(apiVersion);
}

/**
 * Checks objects against the types of Kubernetes' own OpenAPI document with the TypeScript compiler, which also finds a field
 * that there is not: the API server would drop it in silence.
 * @returns what the compiler says; nothing where all is well
 */
export function typeProblems(manifests: readonly object[]): string {
  const cache = pathOf('node_modules/.cache/manifests');
  mkdirSync(cache, { recursive: true });
  const file = `${cache}/${process.pid}.ts`;
  const lines = (manifests as Manifest[]).map((manifest, index) => {
    const type = `import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind}`;
    return `export const object${index}: ${type} = ${JSON.stringify(manifest)};`;
  });
  writeFileSync(file, lines.join('\n'));
  try {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        pathOf('node_modules/typescript/bin/tsc'),
        ...['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck'],
        ...['--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--types', '*'],
        file,
      ],
      { cwd: pathOf(''), encoding: 'utf8' },
    );
    return `${stdout}${stderr}`;
  } finally {
    rmSync(file);
  }
}
