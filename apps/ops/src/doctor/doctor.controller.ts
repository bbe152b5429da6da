import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type Actor, type DoctorView, doctorView } from '@rejoin/operations';
import { By } from '../api/actor.decorator.ts';
import { Look } from '../api/endpoint.decorator.ts';
import { OperationsAccess } from '../operations/operations-access.ts';

/** What is wrong with the server's settings, and how to mend it. */
@ApiTags('doctor')
@Controller('v1/doctor')
export class DoctorController {
  readonly #operations: OperationsAccess;

  constructor(operations: OperationsAccess) {
    this.#operations = operations;
  }

  @Get()
  @Look({ summary: "What is wrong with the server's settings, and how to mend it", answer: doctorView })
  async examine(@By() actor: Actor): Promise<DoctorView> {
    const { doctor } = await this.#operations.open();
    return doctor.examine(actor);
  }
}
