import type { BuildOptions } from 'esbuild';

export function bundleClient(): Promise<void>;
export function browserFile(input: BuildOptions): Promise<{ readonly code: string; readonly map?: string }>;
