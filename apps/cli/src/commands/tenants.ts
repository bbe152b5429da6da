import type { TenantsPage } from '@rejoin/operations';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { bytes, number } from '../format.ts';
import { choice, paged, watched } from '../options.ts';

export function addTenantsCommand(program: Command, context: Context): void {
  const { terminal } = context;
  const command = program
    .command('tenants')
    .description('noisy neighbours: tenants by what they make of the newest entries')
    .addOption(
      choice('--sort <by>', 'the greatest first', ['events', 'rooms', 'bytes', 'deadLetters']).default('events'),
    )
    .addHelpText('after', '\nExample:\n  rejoin tenants --sort rooms --watch');
  watched(paged(command, 20, 'tenants')).action(async (options: TenantsOptions, self: Command) => {
    const api = context.api(self);
    const { watch: _, ...query } = options;
    await context.show(
      self,
      () => api.get<TenantsPage>('/v1/tenants', query),
      ({ items, scanned, total, since, next, deadLettersComplete }) => {
        terminal.table(items, [
          { title: 'TENANT', whole: true, cell: ({ tenant }) => tenant },
          { title: 'EVENTS', align: 'right', cell: ({ events }) => number(events) },
          { title: 'EVENTS/S', align: 'right', cell: ({ eventsPerSecond }) => number(eventsPerSecond) },
          { title: 'ROOM WRITES', align: 'right', cell: ({ rooms }) => number(rooms) },
          { title: 'BYTES', align: 'right', cell: (tenant) => bytes(tenant.bytes) },
          { title: 'DEAD', align: 'right', cell: ({ deadLetters }) => number(deadLetters) },
        ]);
        const from = since === null ? '' : `, those since ${since}`;
        const dead = deadLettersComplete ? '' : '; of dead letters only the latest are counted';
        const more = next === null ? '' : `; more with --after ${next}`;
        terminal.line({
          text: `counted in ${number(scanned)} of ${number(total)} entries${from}${dead}${more}`,
          tone: 'dim',
        });
      },
    );
  });
}

type TenantsOptions = Readonly<Record<string, string | number | undefined>>;
