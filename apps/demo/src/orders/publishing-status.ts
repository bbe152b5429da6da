import { Injectable } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { PUBLISH_FAILED, type PublishFailure } from '@rejoin/nest';
import type { PublisherListener } from '@rejoin/publisher';

/** Why nothing is published at the moment; `null` where it is. */
export interface Status {
  readonly problem: string | null;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  STREAM_UNAVAILABLE: 'Redis is away',
  BACKLOG_FULL: 'too many events wait for the workers',
};

/** Whether what the service emits reaches Redis, by what the publishing module says of it. */
@Injectable()
export class PublishingStatus implements PublisherListener {
  problem: string | null = 'nothing has been published yet';
  /** Events that were emitted and are not in Redis yet. */
  waiting = 0;
  readonly #onChange: (status: Status) => void;

  constructor(onChange: (status: Status) => void) {
    this.#onChange = onChange;
  }

  @OnEvent(['order', '*'])
  @OnEvent(['notification', '*'])
  onEmitted(): void {
    this.waiting += 1;
  }

  onAppended({ events }: { readonly events: number }): void {
    this.waiting = Math.max(0, this.waiting - events);
    this.#set(null);
  }

  onConnectionError(): void {
    this.#set('Redis is away');
  }

  @OnEvent(PUBLISH_FAILED)
  onPublishFailed({ error }: PublishFailure): void {
    this.waiting = Math.max(0, this.waiting - 1);
    this.#set(PROBLEMS[(error as { readonly code?: string }).code ?? ''] ?? error.message);
  }

  #set(problem: string | null): void {
    if (problem === this.problem) return;
    this.problem = problem;
    this.#onChange({ problem });
  }
}
