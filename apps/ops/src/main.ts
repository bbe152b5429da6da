import { runApp } from '@rejoin/runtime';
import { startOps } from './ops.ts';

await runApp('ops', startOps);
