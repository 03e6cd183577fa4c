import { GENERATION_ID, GENERATION_STATUSES } from '@clipmesh/contracts';
import { z } from 'zod';

export const PAGE = { default: 20, max: 100 } as const;

const limitError = `must be a whole number from 1 to ${PAGE.max}`;
const afterError = 'must be the id of the last generation of the previous page';

/** The query of a list. A repeated parameter is invalid. */
export const listQuery = z.object({
  status: z.enum(GENERATION_STATUSES).exactOptional(),
  limit: z
    .string(limitError)
    .regex(/^\d{1,4}$/, limitError)
    .transform(Number)
    .refine((count) => count >= 1 && count <= PAGE.max, limitError)
    .default(PAGE.default),
  after: z.string(afterError).regex(GENERATION_ID, afterError).exactOptional(),
});
export type ListQuery = z.infer<typeof listQuery>;
