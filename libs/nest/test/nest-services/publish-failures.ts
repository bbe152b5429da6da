import { Injectable } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { PUBLISH_FAILED, type PublishFailure } from '@rejoin/nest';

@Injectable()
export class PublishFailures {
  readonly kept: PublishFailure[] = [];

  @OnEvent(PUBLISH_FAILED)
  onPublishFailed(failure: PublishFailure): void {
    this.kept.push(failure); // or into your database, to publish failure.event again
  }
}
