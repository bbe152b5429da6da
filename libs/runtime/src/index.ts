export { InvalidConfigurationError, loadVariable, readConfiguration } from './configuration.ts';
export { answerHealth, type Health, serverUrl, startHealthServer } from './health.ts';
export { Lifecycle, ReleaseError } from './lifecycle.ts';
export { createLogger, type Logger, silentLogger } from './logger.ts';
export { nestLogger } from './nest-logger.ts';
export { type AppContext, type RunningApp, runApp } from './process.ts';
export { tokenKeyProblems } from './token-keys.ts';
export { bytes, durationMs, flag, integer, orZero, port, ports, text, texts, type Variable } from './variable.ts';
export { redisVariables, replayVariables, telemetryVariables, tokenVariables } from './variables.ts';
