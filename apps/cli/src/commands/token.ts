import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { duration } from '../options.ts';

interface TokenOptions {
  readonly sub: string;
  readonly tenant?: string;
  readonly roles?: string;
  readonly scope?: string;
  readonly for: number;
}

export function addTokenCommand(program: Command, context: Context): void {
  program
    .command('token')
    .description('make a development token; only beside a local `npm start`')
    .option('--sub <user>', 'whose', 'developer')
    .option('--tenant <id>')
    .option('--roles <names>', 'separated by commas')
    .option('--scope <scopes>', 'separated by spaces: events:publish ops:read ops:write')
    .option('--for <duration>', 'how long it is valid', duration, 3_600_000)
    .addHelpText(
      'after',
      '\nExamples:\n  TOKEN=$(rejoin token --sub u-1 --tenant acme)\n  REJOIN_TOKEN=$(rejoin token --sub rita --scope ops:read --for 12h)',
    )
    .action(({ sub, tenant, roles, scope, for: forMs }: TokenOptions, command: Command) => {
      const token = context.local.mint({
        sub,
        expiresInS: Math.ceil(forMs / 1_000),
        ...(tenant === undefined ? {} : { tenant }),
        ...(roles === undefined ? {} : { roles: roles.split(',').map((role) => role.trim()) }),
        ...(scope === undefined ? {} : { scope }),
      });
      context.answer(command, { token }, () => context.terminal.line(token));
    });
}
