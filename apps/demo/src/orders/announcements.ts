import { Injectable } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { PUBLISH_FAILED, type PublishFailure } from '@rejoin/nest';
import { Announcer } from '../announcer.ts';
import { recipientsOf, type ShopEvent } from './shop.ts';

/**
 * Tells open pages what was emitted and who should receive it, beside Rejoin and without what is in it: so a page can count what a
 * client misses while it is away, and check afterwards that nothing was lost.
 */
@Injectable()
export class Announcements {
  readonly #announcer: Announcer;

  constructor(announcer: Announcer) {
    this.#announcer = announcer;
  }

  @OnEvent(['order', '*'])
  @OnEvent(['notification', '*'])
  onEmitted(event: ShopEvent): void {
    const { id, time, tenantid: tenant } = event;
    this.#announcer.announce('emitted', {
      id,
      time,
      tenant,
      recipients: recipientsOf(event).map((member) => member.id),
    });
  }

  /** It reached nobody, because Redis would not take it: nobody misses it. */
  @OnEvent(PUBLISH_FAILED)
  onPublishFailed({ event }: PublishFailure): void {
    if (event) this.#announcer.announce('withdrawn', { id: event.id });
  }
}
