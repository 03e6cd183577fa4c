import { applyDecorators, type INestApplication } from '@nestjs/common';
import { ApiResponse, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { problemView } from './api.schemas.js';

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is not valid; `errors` names each field.',
  401: 'A valid API key is needed.',
  402: 'The budget does not allow it; nothing was bought.',
  404: 'There is no such thing, or it is not yours.',
  409: 'Not in this state; `detail` says why.',
  412: 'It was changed by then: read it again.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  416: 'The range is outside the file.',
  422: 'The Idempotency-Key came with another body, or the picture at the URL cannot be fetched.',
  429: 'Too many at once; send it again after `Retry-After`.',
  503: 'A part of the system does not answer now; send the request again.',
};

/** Documents an answer by its schema. */
export function ApiJsonResponse(status: number, description: string, schema: z.ZodType): MethodDecorator {
  return ApiResponse({ status, description, standardSchema: schema });
}

/** Documents an answer that is not JSON. */
export function ApiContentResponse(
  status: number,
  description: string,
  contentType: string,
  format?: 'binary',
): MethodDecorator {
  const schema = { type: 'string', ...(format === undefined ? {} : { format }) } as const;
  return ApiResponse({ status, description, content: { [contentType]: { schema } } });
}

/** Documents the problems that a route answers with. */
export function ApiProblems(...statuses: readonly number[]): MethodDecorator {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, description: PROBLEMS[status] ?? 'A problem.', content })),
  );
}

/** The OpenAPI description of every route, from the controllers and the schemas that check requests. */
export function describeApi(app: INestApplication): OpenAPIObject {
  const head = new DocumentBuilder()
    .setTitle('Clipmesh')
    .setDescription('A prompt becomes a finished short video ad. Errors are RFC 9457 problems with a stable `code`.')
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'One of API_KEYS; not needed while none is set.' })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, head, {
    operationIdFactory: (_controller, method) => method,
  });
  const { $schema: _dialect, ...problem } = z.toJSONSchema(problemView, { target: 'openapi-3.0', io: 'output' });
  const schemas = { ...document.components?.schemas, Problem: problem as Record<string, unknown> };
  return { ...document, components: { ...document.components, schemas } };
}

/** Serves the description at /openapi.json and a page to read and try it at /docs. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => describeApi(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Clipmesh API',
  });
}
