import { fileURLToPath } from 'node:url';
import { runStack } from './run.ts';

await runStack(fileURLToPath(new URL('../../../dist/', import.meta.url)));
