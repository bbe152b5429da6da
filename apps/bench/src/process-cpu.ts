import { readFile } from 'node:fs/promises';

/** Clock ticks in a second: USER_HZ, which Linux has fixed at this for programs. */
const TICKS_PER_SECOND = 100;

/**
 * User and system time of a process since it began, all threads of it, in milliseconds. Of Linux only.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}
