import { runApp } from '@rejoin/runtime';
import { startGateway } from './gateway.ts';

await runApp('gateway', startGateway);
