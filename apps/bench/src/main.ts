import { runBench } from './bench.ts';

await runBench(process.argv.slice(2));
