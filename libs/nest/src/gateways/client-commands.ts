import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import {
  GATEWAY_METADATA,
  GATEWAY_OPTIONS,
  MESSAGE_MAPPING_METADATA,
  PORT_METADATA,
} from '@nestjs/websockets/constants.js';
import type { Command, CommandContext, ResumableGateway } from '@rejoin/socketio';
import { CLIENT_COMMAND, type ClientCommandMetadata } from './client-command.decorator.ts';
import { EscapedHandlerError } from './errors.ts';

type Method = (input: unknown, context: CommandContext) => unknown;
type Gateway = Record<string, Method>;

/**
 * Finds the commands of every gateway of the application, and makes sure that none of its handlers escapes the pipeline, and
 * that nobody reaches it without being admitted.
 */
@Injectable()
export class ClientCommands {
  readonly #discovery: DiscoveryService;
  readonly #scanner: MetadataScanner;
  readonly #reflector: Reflector;

  constructor(discovery: DiscoveryService, scanner: MetadataScanner, reflector: Reflector) {
    this.#discovery = discovery;
    this.#scanner = scanner;
    this.#reflector = reflector;
  }

  /** @throws EscapedHandlerError where a gateway's method is bound to a message in another way, or one listens elsewhere */
  register(gateway: ResumableGateway): void {
    const paths = new Set<unknown>();
    for (const [instance, type] of this.#gateways()) {
      this.#requireMainNamespace(type);
      paths.add(this.#optionsOf(type).path);
      if (paths.size > 1) throw new EscapedHandlerError(`${type.name} has another path than the gateways before it`);
      for (const command of this.#commandsOf(instance)) gateway.command(command);
    }
  }

  /** @throws EscapedHandlerError where there are gateways, and `gateway` is not under them */
  requireAttached(gateway: ResumableGateway): void {
    if (gateway.attached) return;
    for (const [, { name }] of this.#gateways()) {
      throw new EscapedHandlerError(
        `${name} would take connections without a token: call useResumableGateways(app) before listen()`,
      );
    }
  }

  *#gateways(): Iterable<[Gateway, new (...args: never[]) => unknown]> {
    for (const { instance, metatype } of this.#discovery.getProviders()) {
      if (!instance || !metatype || !this.#reflector.get<boolean>(GATEWAY_METADATA, metatype)) continue;
      yield [instance as Gateway, metatype as new () => unknown];
    }
  }

  #requireMainNamespace(type: new (...args: never[]) => unknown): void {
    const { namespace } = this.#optionsOf(type);
    if (namespace !== undefined && namespace !== '' && namespace !== '/') {
      throw new EscapedHandlerError(`${type.name} has a namespace of its own, where nobody is admitted by token`);
    }
    if (this.#reflector.get<number | undefined>(PORT_METADATA, type)) {
      throw new EscapedHandlerError(`${type.name} has a port of its own; resumable gateways share the application's`);
    }
  }

  #optionsOf(type: new (...args: never[]) => unknown): { readonly namespace?: unknown; readonly path?: unknown } {
    return this.#reflector.get(GATEWAY_OPTIONS, type) ?? {};
  }

  *#commandsOf(instance: Gateway): Iterable<Command> {
    for (const methodName of this.#scanner.getAllMethodNames(Object.getPrototypeOf(instance))) {
      const method = instance[methodName] as Method;
      if (this.#reflector.get<boolean>(MESSAGE_MAPPING_METADATA, method)) {
        throw new EscapedHandlerError(
          `${instance.constructor.name}.${methodName} uses @SubscribeMessage(), which escapes the command pipeline; ` +
            'use @ClientCommand()',
        );
      }
      const metadata = this.#reflector.get<ClientCommandMetadata | undefined>(CLIENT_COMMAND, method);
      if (metadata) yield { ...metadata, run: (input, context) => method.call(instance, input, context) };
    }
  }
}
