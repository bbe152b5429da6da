import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { WebSocket } from 'ws';
import { RealGateways } from './conformance/real-gateways.ts';

const PAGE = new URL('../../../docs/how-to/clients.md', import.meta.url);
const conversation = /```wire\n([\s\S]*?)```/.exec(readFileSync(PAGE, 'utf8'))?.[1] ?? '';
const lines = conversation.trim().split('\n');

let gateways: RealGateways;
let socket: WebSocket | undefined;
beforeEach(async () => {
  gateways = await RealGateways.start();
});
afterEach(async () => {
  socket?.terminate();
  await gateways.stop();
});

/** A packet with every text and number replaced by what it is: what a client in another language relies on. Cursors stay recognisable. */
function formOf(packet: string): unknown {
  const [, digits = '', json = ''] = /^(\d+)(.*)$/s.exec(packet) ?? [];
  return [digits, json === '' ? null : (JSON.parse(json, (_key, value: unknown) => kindOf(value)) as unknown)];
}

/** What a client distinguishes by its value stays as it is. */
const FIXED = /^(rejoin:|order\.|none$|complete$|gap$|unreadable$|[A-Z_]+$)/;

function kindOf(value: unknown): unknown {
  if (typeof value === 'number') return 'number';
  if (typeof value !== 'string' || FIXED.test(value)) return value;
  return /^[\w-]+\.\d+\.\d+-\d+$/.test(value) ? 'cursor' : 'text';
}

it('the conversation of the documentation is the one that takes place', async () => {
  let received: string[] = [];
  let cursor = '';
  const act = async (what: string): Promise<void> => {
    if (what.includes('connection breaks')) socket?.terminate();
    if (what.includes('event is published')) await gateways.publish(1, 0);
    if (!what.includes('is opened')) return;
    socket?.terminate();
    received = [];
    const opened = new WebSocket(`${gateways.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    socket = opened;
    opened.on('message', (data: Buffer) => {
      const packet = data.toString();
      if (packet === '2') opened.send('3');
      else if (!packet.startsWith('42["rejoin:cursor"')) received.push(packet);
    });
    await new Promise((resolve) => opened.once('open', resolve));
  };
  for (const line of lines) {
    const [, sign, text] = /^(--|→|←) (.*)$/.exec(line) as unknown as [string, string, string];
    if (sign === '--') await act(text);
    else if (sign === '→') {
      const token = tokenFor({ tenant: 'acme', sub: 'u-1' });
      socket?.send(text.replace('<token>', token).replace('<cursor>', cursor));
    } else {
      const packet = await eventually(() => received.shift() ?? null);
      expect([line, formOf(packet)]).toEqual([line, formOf(text)]);
      cursor = /"([\w-]+\.\d+\.\d+-\d+)"\]$/.exec(packet)?.[1] ?? cursor;
    }
  }
  expect(lines.length).toBeGreaterThan(20);
});
