import { type AddressInfo, createServer, type Server } from 'node:net';
import type { StackConfiguration } from './configuration.ts';
import { StackError } from './errors.ts';

export interface Ports {
  readonly gateways: readonly number[];
  readonly ops: number;
  readonly demo: number | undefined;
}

/**
 * Decides every port before the first program starts, because gateways are told the origins of the others. All are held open
 * until the last one is found, so that no two are the same.
 * @throws StackError `PORT_IN_USE` naming the variable
 */
export async function allocatePorts(configuration: StackConfiguration): Promise<Ports> {
  const held: Server[] = [];
  const take = async (variable: string, port: number): Promise<number> => {
    const server = await hold(variable, port);
    held.push(server);
    return (server.address() as AddressInfo).port;
  };
  try {
    const gateways: number[] = [];
    for (const port of configuration.gatewayPorts) gateways.push(await take('GATEWAY_PORTS', port));
    const ops = await take('OPS_PORT', configuration.opsPort);
    const demo = configuration.demoPort === undefined ? undefined : await take('DEMO_PORT', configuration.demoPort);
    return { gateways, ops, demo };
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function hold(variable: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(describe(variable, port, error));
    });
    server.listen(port, () => resolve(server));
  });
}

function describe(variable: string, port: number, error: NodeJS.ErrnoException): Error {
  const remedy = `Set ${variable} to ${variable === 'GATEWAY_PORTS' ? 'others' : 'another'}, for example ${variable}=0 for a free one.`;
  if (error.code === 'EADDRINUSE') {
    return new StackError('PORT_IN_USE', `Port ${port} of ${variable} is in use by another program. ${remedy}`, {
      cause: error,
    });
  }
  if (error.code === 'EACCES') {
    return new StackError('PORT_IN_USE', `Port ${port} of ${variable} is not allowed to this user. ${remedy}`, {
      cause: error,
    });
  }
  return error;
}
