import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { type ProgramStatus, Supervisor } from '../src/supervisor.ts';

function channel() {
  const sent: unknown[] = [];
  const emitter = Object.assign(new EventEmitter(), { send: (message: unknown) => sent.push(message) > 0 });
  return {
    sent,
    say: (message: unknown) => emitter.emit('message', message),
    end: emitter as unknown as NodeJS.Process,
  };
}

const running: ProgramStatus = { name: 'gateway-3000', running: true, pid: 7, restarts: 0 };

test('kills what the supervisor says is running, and nothing before it answers', () => {
  const { sent, say, end } = channel();
  const shown: (readonly ProgramStatus[])[] = [];
  const supervisor = new Supervisor(end, (programs) => shown.push(programs));
  expect(supervisor.kill('gateway-3000')).toBe(false);
  say('something else');
  say({ type: 'programs', programs: [running, { ...running, name: 'worker-1', running: false }] });
  expect([shown.length, supervisor.programs?.length]).toEqual([1, 2]);
  expect(['gateway-3000', 'worker-1', 'redis', undefined].map((name) => supervisor.kill(name))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(sent).toEqual([{ type: 'programs:watch' }, { type: 'program:kill', name: 'gateway-3000' }]);
});

test('kills nothing in a process that nobody supervises', () => {
  const lonely = new EventEmitter() as unknown as NodeJS.Process;
  expect(new Supervisor(lonely, () => undefined).kill('gateway-3000')).toBe(false);
});
