import { type ModelRecord } from '../models/model.record.js';

/** The name of the input schema of an endpoint, such as `Veo31FastInput`. */
const inputNameOf = (endpoint: string): string =>
  `${endpoint
    .split('/')
    .slice(1)
    .flatMap((segment) => segment.split('-'))
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1).replace(/\W/g, '')}`)
    .join('')}Input`;

const json = (name: string): object => ({
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
});

/** The OpenAPI document that fal publishes for an endpoint of its queue. */
export function falOpenApi({ id, Input }: ModelRecord): object {
  const name = inputNameOf(id);
  return {
    openapi: '3.0.4',
    info: {
      title: `Queue OpenAPI for ${id}`,
      version: '1.0.0',
      'x-fal-metadata': { endpointId: id },
    },
    components: {
      schemas: {
        QueueStatus: { type: 'object', properties: { status: { enum: ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'] } } },
        [name]: { title: name, 'x-fal-order-properties': Object.keys(Input.properties), ...Input },
      },
    },
    paths: {
      [`/${id}/requests/{request_id}/status`]: { get: { responses: { 200: json('QueueStatus') } } },
      [`/${id}`]: { post: { requestBody: { required: true, ...json(name) }, responses: { 200: json('QueueStatus') } } },
    },
    servers: [{ url: 'https://queue.fal.run' }],
  };
}
