import { runApp } from '@rejoin/runtime';
import { startWorker } from './worker-app.ts';

await runApp('worker', startWorker);
