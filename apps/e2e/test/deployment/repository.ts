import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** An absolute path of one below the repository's root. */
export function pathOf(path: string): string {
  return join(ROOT, path);
}

export function isThere(path: string): boolean {
  return existsSync(pathOf(path));
}

export function read(path: string): string {
  return readFileSync(pathOf(path), 'utf8');
}

/** Every document of a YAML file, anchors and merges resolved; the file must be without an error. */
export function readYaml(path: string): unknown[] {
  return [parseAllDocuments(read(path), { merge: true })].flat().map((document) => {
    if ('errors' in document && document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]?.message}`);
    return document.toJS() as unknown;
  });
}

/** Paths of the files below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(pathOf(folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(pathOf(path)).isFile())
    .map((path) => relative(ROOT, pathOf(path)));
}

/** An image whose version is exact: a tag with all its numbers. */
export const PINNED_IMAGE = /^[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9.-]+)?$/;
