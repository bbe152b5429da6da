import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

export interface PageFiles {
  /** By the path they are served at; nothing else is. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** The sources of a Content-Security-Policy that allow the page's own scripts. */
  readonly scriptSources: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};
/** What the page takes from packages as it is. */
const PACKAGE_FILES = [
  ['/rejoin-client.js', '@rejoin/client/browser'],
  ['/inter.woff2', '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'],
  ['/mono.woff2', '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2'],
] as const;
const INLINE_SCRIPT = /<script type="importmap">([^<]*)<\/script>/;

/** @param directory the built app: `public` as it is, `page` compiled */
export function readPageFiles(directory: URL): PageFiles {
  const files = new Map<string, PageFile>();
  const add = (path: string, file: URL | string): void => {
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
    if (type !== undefined) files.set(path, { type, body: readFileSync(file) });
  };
  for (const [folder, path] of [
    ['public/', '/'],
    ['page/', '/page/'],
  ] as const) {
    for (const name of readdirSync(new URL(folder, directory))) add(path + name, new URL(folder + name, directory));
  }
  const { resolve } = createRequire(import.meta.url);
  for (const [path, file] of PACKAGE_FILES) add(path, resolve(file));

  const page = files.get('/index.html') as PageFile;
  files.set('/', page);
  const importMap = INLINE_SCRIPT.exec(page.body.toString())?.[1] ?? '';
  const hash = createHash('sha256').update(importMap).digest('base64');
  return { files, scriptSources: `'self' 'sha256-${hash}'` };
}
