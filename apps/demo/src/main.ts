import { runApp } from '@rejoin/runtime';
import { startDemo } from './demo.ts';

await runApp('demo', (context) => startDemo(context, new URL('./', import.meta.url)));
