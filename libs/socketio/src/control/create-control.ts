import type { GatewayLog } from '../options.ts';
import { ControlChannel, type ControlChannelOptions } from './control-channel.ts';
import { GatewayReports, type GatewayReportsOptions } from './gateway-reports.ts';

export interface ControlOptions extends Omit<ControlChannelOptions, 'answer' | 'onError'> {
  readonly reports: GatewayReportsOptions;
  readonly log: GatewayLog;
}

/** A gateway's end of the operators' channel, which answers from what the gateway holds. */
export function createControl({ reports: held, log, ...channel }: ControlOptions): ControlChannel {
  const reports = new GatewayReports(held);
  return new ControlChannel({
    ...channel,
    answer: (request) => reports.answer(request),
    onError: (error) => log.warn({ err: error }, 'answering an operator failed'),
  });
}
