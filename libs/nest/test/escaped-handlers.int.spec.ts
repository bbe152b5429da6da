import { describe, expect, test } from '@jest/globals';
import { type INestApplication, Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { testRedis, uniquePrefix } from '@rejoin/testing';
import * as v from 'valibot';
import { ClientCommand, EscapedHandlerError, ResumableModule, useResumableGateways } from '../src/index.ts';

@WebSocketGateway()
class Subscribing {
  @SubscribeMessage('chat')
  chat() {
    return 'unchecked';
  }
}

class Base {
  @SubscribeMessage('chat')
  chat() {
    return 'unchecked';
  }
}
@WebSocketGateway()
class Inheriting extends Base {}

@WebSocketGateway({ namespace: 'admin' })
class InNamespace {}

@WebSocketGateway(4_321)
class OnPort {}

@WebSocketGateway({ path: '/elsewhere' })
class OnPath {}
@WebSocketGateway()
class Plain {
  @ClientCommand('plain:echo', { schema: v.string() })
  echo(text: string) {
    return text;
  }
}
@WebSocketGateway()
class SameCommand {
  @ClientCommand('plain:echo', { schema: v.string() })
  echo(text: string) {
    return text;
  }
}

async function create(...providers: Type[]): Promise<INestApplication> {
  Logger.overrideLogger(false);
  const options = { redisUrl: testRedis(), prefix: uniquePrefix(), tokens: { secret: 'x'.repeat(32) } };
  return NestFactory.create(
    { module: class App {}, imports: [ResumableModule.forRoot(options)], providers },
    {
      abortOnError: false,
    },
  );
}

/** What keeps an application with these gateways from listening. */
async function failure(...gateways: Type[]): Promise<unknown> {
  const app = await create(...gateways);
  try {
    await useResumableGateways(app);
    await app.listen(0, '127.0.0.1');
    return null;
  } catch (error) {
    return error;
  } finally {
    await app.close();
  }
}

describe('an application does not start', () => {
  test.each([
    ['a message handler of Nest', Subscribing, 'Subscribing.chat uses @SubscribeMessage()'],
    ['an inherited one', Inheriting, 'Inheriting.chat uses @SubscribeMessage()'],
    ['a namespace of its own', InNamespace, 'InNamespace has a namespace of its own'],
    ['a port of its own', OnPort, 'OnPort has a port of its own'],
  ])('where a gateway has %s', async (_name, gateway, message) => {
    const error = await failure(gateway);
    expect(error).toBeInstanceOf(EscapedHandlerError);
    expect(error).toMatchObject({ code: 'ESCAPED_HANDLER', message: expect.stringContaining(message) });
  });

  test('where a gateway listens on a path of its own besides others', async () => {
    const message = 'OnPath has another path';
    expect(await failure(Plain, OnPath)).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('where two gateways have a command of one name', async () => {
    expect(await failure(Plain, SameCommand)).toMatchObject({ message: expect.stringContaining('plain:echo') });
  });

  test('where its gateways were not put under the resumable one', async () => {
    const app = await create(Plain);
    try {
      await expect(app.listen(0, '127.0.0.1')).rejects.toThrow(EscapedHandlerError);
    } finally {
      await app.close();
    }
  });

  test.each([
    [{}, 'is required'],
    [{ secret: 'x'.repeat(32), jwksUrl: 'https://id.example.com' }, 'JWT_JWKS_URL'],
  ])('with the tokens %j', async (tokens, message) => {
    const module = ResumableModule.forRoot({ redisUrl: testRedis(), tokens });
    const starting = NestFactory.create(
      { module: class App {}, imports: [module] },
      { abortOnError: false, logger: false },
    );
    await expect(starting).rejects.toThrow(message);
  });

  test('and does where they are as they should be', async () => {
    expect(await failure(Plain)).toBeNull();
  });
});
