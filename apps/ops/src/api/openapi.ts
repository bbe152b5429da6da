import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';

/** Where the API describes itself. */
export const OPENAPI_PATH = '/v1/openapi.json';

/**
 * The API's description, made from the controllers and from the schemas that requests are held to and answers are typed by, so
 * that it cannot say anything else than the code.
 */
export function describeApi(app: NestExpressApplication): OpenAPIObject {
  const options = new DocumentBuilder()
    .setTitle('Rejoin operator API')
    .setDescription('Publishing, and what an operator sees and does. See docs/reference/operator-api.md.')
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  return SwaggerModule.createDocument(app, options, {
    standardSchemaConverter: (schema, { schemaType }) => ({
      schema: toJsonSchema(schema as unknown as v.GenericSchema, {
        target: 'openapi-3.0',
        typeMode: schemaType,
        errorMode: 'ignore',
      }) as never,
    }),
  });
}
