import { Controller, Get, Inject, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type SessionView, type SettingsView, sessionView, settingsView } from '@rejoin/operations';
import type { Request } from 'express';
import { principalOf } from '../access/bearer.guard.ts';
import { Look } from '../api/endpoint.decorator.ts';

/** Injection token of what `GET /v1/settings` shows. */
export const SETTINGS = Symbol('settings');

/** Who asks, and how the installation is set up. */
@ApiTags('session')
@Controller('v1')
export class SessionController {
  readonly #settings: () => Promise<SettingsView>;

  constructor(@Inject(SETTINGS) settings: () => Promise<SettingsView>) {
    this.#settings = settings;
  }

  @Get('session')
  @Look({ summary: 'Whom the token stands for, and what it may do', answer: sessionView })
  session(@Req() request: Request): SessionView {
    const { userId, tenantId, scopes, expiresAtMs } = principalOf(request);
    return {
      user: userId,
      tenant: tenantId ?? null,
      scopes: [...scopes],
      expiresAt: new Date(expiresAtMs).toISOString(),
    };
  }

  @Get('settings')
  @Look({ summary: 'How the installation is set up', answer: settingsView })
  settings(): Promise<SettingsView> {
    return this.#settings();
  }
}
