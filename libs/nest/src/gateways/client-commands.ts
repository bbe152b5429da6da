import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { GATEWAY_METADATA, MESSAGE_MAPPING_METADATA } from '@nestjs/websockets/constants.js';
import type { Command, CommandContext, ResumableGateway } from '@rejoin/socketio';
import { CLIENT_COMMAND, type ClientCommandMetadata } from './client-command.decorator.ts';
import { EscapedHandlerError } from './errors.ts';

type Method = (input: unknown, context: CommandContext) => unknown;

/** Finds the commands of every gateway of the application, and makes sure that none of its handlers escapes the pipeline. */
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

  /** @throws EscapedHandlerError where a gateway's method is bound to a message in another way */
  register(gateway: ResumableGateway): void {
    for (const { instance, metatype } of this.#discovery.getProviders()) {
      if (!instance || !metatype || !this.#reflector.get<boolean>(GATEWAY_METADATA, metatype)) continue;
      for (const command of this.#commandsOf(instance as Record<string, Method>)) gateway.command(command);
    }
  }

  *#commandsOf(instance: Record<string, Method>): Iterable<Command> {
    for (const methodName of this.#scanner.getAllMethodNames(Object.getPrototypeOf(instance))) {
      const method = instance[methodName] as Method;
      if (this.#reflector.get<boolean>(MESSAGE_MAPPING_METADATA, method)) {
        throw new EscapedHandlerError(instance.constructor.name, methodName);
      }
      const metadata = this.#reflector.get<ClientCommandMetadata | undefined>(CLIENT_COMMAND, method);
      if (metadata) yield { ...metadata, run: (input, context) => method.call(instance, input, context) };
    }
  }
}
