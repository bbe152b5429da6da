import type { DoctorView } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { watched } from '../options.ts';
import type { Tone } from '../span.ts';

const TONES: Readonly<Record<DoctorView['findings'][number]['severity'], Tone>> = {
  critical: 'bad',
  warning: 'warn',
  info: 'dim',
};

export function addDoctorCommand(program: Command, context: Context): void {
  const { terminal } = context;
  watched(program.command('doctor'))
    .description("what is wrong with the server's settings, and how to mend it")
    .addHelpText('after', '\nEnds with 1 where a finding is critical.')
    .action(async (_: object, command: Command) => {
      const api = context.api(command);
      const { findings } = await context.show(
        command,
        () => api.get<DoctorView>('/v1/doctor'),
        ({ server, prefix, partitions, findings: found }) => {
          terminal.line(
            `${server.name} ${server.version} (${server.mode}), prefix ${prefix}, ${partitions} partitions`,
          );
          if (found.length === 0) terminal.line({ text: 'Nothing is wrong with it.', tone: 'good' });
          for (const { severity, title, detail, remedy } of found) {
            terminal.line({ text: severity.toUpperCase(), tone: TONES[severity] }, `  ${title}`);
            terminal.line(`  ${detail}`);
            terminal.line(`  → ${remedy}`);
          }
        },
      );
      if (findings.some(({ severity }) => severity === 'critical')) context.end(EXIT.failed);
    });
}
