import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  type Actor,
  type GroupOutcome,
  type GroupsPage,
  groupOutcome,
  groupsPage,
  type MembersPage,
  membersPage,
} from '@rejoin/operations';
import * as v from 'valibot';
import { By } from '../api/actor.decorator.ts';
import { Act, Look } from '../api/endpoint.decorator.ts';
import { after, dryRun, limit, reason, text } from '../api/parameters.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

const listQuery = v.strictObject({ tenant: v.optional(text), limit, after });
const membersQuery = v.strictObject({ tenant: v.optional(text), group: text, limit, after });
const users = v.optional(v.pipe(v.array(text), v.maxLength(1_000)));
const changeBody = v.strictObject({
  tenant: v.optional(text),
  group: text,
  add: users,
  remove: users,
  reason,
  dryRun,
});

/** Who is in which group. */
@ApiTags('groups')
@Controller('v1/groups')
export class GroupsController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({ summary: 'The groups of a tenant that have members, by name', answer: groupsPage })
  async list(
    @By() actor: Actor,
    @Query({ schema: listQuery }) query: v.InferOutput<typeof listQuery>,
  ): Promise<GroupsPage> {
    const { groups } = await this.#operations.open();
    return groups.list(actor, query);
  }

  @Get('members')
  @Look({ summary: 'The members of a group', answer: membersPage })
  async members(
    @By() actor: Actor,
    @Query({ schema: membersQuery }) query: v.InferOutput<typeof membersQuery>,
  ): Promise<MembersPage> {
    const { groups } = await this.#operations.open();
    return groups.members(actor, query);
  }

  @Post('change')
  @Act({ summary: 'Remove users from a group, and add others', answer: groupOutcome })
  async change(
    @By() actor: Actor,
    @Body({ schema: changeBody }) request: v.InferOutput<typeof changeBody>,
  ): Promise<GroupOutcome> {
    const { groups } = await this.#operations.open();
    return groups.change(actor, request);
  }
}
