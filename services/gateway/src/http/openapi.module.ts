import { applyDecorators, type INestApplication } from '@nestjs/common';
import { ApiResponse, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { problemView } from './api.schemas.js';

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not valid. `errors` names each field.',
  401: 'A valid API key is required.',
  402: 'The budget is too low. Nothing was charged.',
  404: 'The resource does not exist, or belongs to another owner.',
  409: 'Not possible in the current state. `detail` says why.',
  412: 'The resource has changed. Read it again.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  416: 'The range is outside the file.',
  422: 'The `Idempotency-Key` was used with another body, or a file of the request cannot be used.',
  429: 'Too many at once. Retry after `Retry-After`.',
  503: 'A dependency is unavailable. Retry the request.',
};

/** Documents a JSON response by its schema. */
export function ApiJsonResponse(status: number, description: string, schema: z.ZodType): MethodDecorator {
  return ApiResponse({ status, description, standardSchema: schema });
}

/** Documents a response that is not JSON. */
export function ApiContentResponse(
  status: number,
  description: string,
  contentType: string,
  format?: 'binary',
): MethodDecorator {
  const schema = { type: 'string', ...(format === undefined ? {} : { format }) } as const;
  return ApiResponse({ status, description, content: { [contentType]: { schema } } });
}

/** Documents the problem responses of a route. */
export function ApiProblems(...statuses: readonly number[]): MethodDecorator {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, description: PROBLEMS[status] ?? 'A problem.', content })),
  );
}

/** The OpenAPI document, from the controllers and the request schemas. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const head = new DocumentBuilder()
    .setTitle('Clipmesh')
    .setDescription('Generates a short video ad from a prompt. Errors are RFC 9457 problems with a stable `code`.')
    .setVersion('1')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'One of API_KEYS. Not required when API_KEYS is empty.',
    })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, head, {
    operationIdFactory: (_controller, method) => method,
  });
  const { $schema: _dialect, ...problem } = z.toJSONSchema(problemView, { target: 'openapi-3.0', io: 'output' });
  const schemas = { ...document.components?.schemas, Problem: problem as Record<string, unknown> };
  return { ...document, components: { ...document.components, schemas } };
}

/** Serves the OpenAPI document at /openapi.json and an interactive page at /docs. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => describeApi(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Clipmesh API',
  });
}
