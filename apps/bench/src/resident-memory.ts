import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Memory of a process that is in RAM now, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) * 1024;
}
