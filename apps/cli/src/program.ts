import { Command } from 'commander';
import { addAuditCommand } from './commands/audit.ts';
import { addBlockCommands } from './commands/blocks.ts';
import { addCheckCommand } from './commands/check.ts';
import { addConnectionCommands } from './commands/connections.ts';
import { addDeadLetterCommands } from './commands/dead-letters.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEventCommands } from './commands/events.ts';
import { addGroupCommands } from './commands/groups.ts';
import { addPartitionCommands } from './commands/partitions.ts';
import { addPauseCommands } from './commands/pauses.ts';
import { addPublishCommand } from './commands/publish.ts';
import { addTenantsCommand } from './commands/tenants.ts';
import { addTokenCommand } from './commands/token.ts';
import { addTraceCommand } from './commands/trace.ts';
import { addCompletionCommand } from './completion.ts';
import type { Context } from './context.ts';
import type { Streams } from './terminal.ts';

/** The whole command line. */
export function createProgram(context: Context, streams: Streams): Command {
  const program = new Command('rejoin')
    .description('Look after a Rejoin installation: what waits, who is connected, what went wrong, and why.')
    .version('0.1.0')
    .option('--url <url>', 'where the operator API is (REJOIN_OPS_URL; http://localhost:3100)')
    .option('--token <jwt>', 'as whom (REJOIN_TOKEN; made by itself beside a local `npm start`)')
    .option('--json', 'one JSON document on stdout; with --watch one line each time')
    .showHelpAfterError('(rejoin --help says more)')
    .addHelpText(
      'after',
      `
Examples:
  rejoin lag --watch                      health, lag and owners, live
  rejoin trace a-1 --tenant acme --user u-1   why did this user get it or not
  rejoin dlq redrive --code NO_AUDIENCE_RULE --reason "rule added" --dry-run
  rejoin check --max-age 30s              for Nagios and for probes

Exit codes: 0 ok, 1 failed, 2 usage, 4 not found, 5 partly done, 6 refused; check: 0 ok, 1 warning, 2 critical, 3 unknown.`,
    )
    .configureOutput({ writeOut: (text) => streams.stdout.write(text), writeErr: (text) => streams.stderr.write(text) })
    .exitOverride();
  addPartitionCommands(program, context);
  addEventCommands(program, context);
  addTraceCommand(program, context);
  addDeadLetterCommands(program, context);
  addConnectionCommands(program, context);
  addBlockCommands(program, context);
  addGroupCommands(program, context);
  addTenantsCommand(program, context);
  addPauseCommands(program, context);
  addAuditCommand(program, context);
  addPublishCommand(program, context);
  addTokenCommand(program, context);
  addCheckCommand(program, context);
  addDoctorCommand(program, context);
  addCompletionCommand(program, context);
  return program;
}
